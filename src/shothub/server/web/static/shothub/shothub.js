// Local times and copy buttons; every page works without this file.
"use strict";
(function () {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  function localise(root) {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const when = new Date(element.dateTime);
      if (Number.isNaN(when.getTime())) continue;
      const today = when.toDateString() === new Date().toDateString();
      const forms = element.classList.contains("clock") ? [minute, day] : [clock, format];
      element.textContent = forms[today ? 0 : 1].format(when);
      element.title = element.dateTime;
    }
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      window.getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
  }

  // The hub lays calendars out in the zone of this browser.
  function tellZone() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const page = document.querySelector("[data-zone]");
    if (!zone || !page || page.dataset.zone === zone) return;
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
    if (document.cookie.includes(`zone=${zone}`) && !document.querySelector("[role=alert]")) {
      window.location.replace(window.location.href);
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("htmx:afterSwap", (event) => localise(event.target.parentNode || document));
  localise(document);
  tellZone();
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
})();
