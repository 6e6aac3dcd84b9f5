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

  // A stream is open only while its page is seen: browsers allow few at once.
  function follow(address, kinds) {
    let source = null;
    let last = "";
    function open() {
      if (source || document.hidden) return;
      const place = new URL(address, window.location.href);
      if (last) place.searchParams.set("since", last);
      source = new EventSource(place);
      for (const [kind, heard] of Object.entries(kinds)) {
        source.addEventListener(kind, (event) => {
          last = event.lastEventId || last;
          heard(event);
        });
      }
      source.addEventListener("end", close);
    }
    function close() {
      if (source) source.close();
      source = null;
    }
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    open();
  }

  function row(event) {
    const line = document.createElement("tr");
    const when = document.createElement("time");
    when.dateTime = event.at;
    when.textContent = event.at;
    const where = event.job ? event.job + (event.shot === null ? "" : ` shot ${event.shot}`) : "";
    for (const cell of [when, event.apparatus, event.what, where, event.actor, event.detail]) {
      const place = document.createElement("td");
      place.append(cell);
      line.append(place);
    }
    localise(line);
    return line;
  }

  const feed = document.querySelector("[data-feed]");
  if (feed) {
    follow(feed.dataset.feed, {
      event: (event) => {
        feed.prepend(row(JSON.parse(event.data)));
        while (feed.rows.length > 500) feed.deleteRow(-1);
      },
    });
  }
  const live = document.querySelector("[data-stream]");
  if (live) {
    follow(live.dataset.stream, {
      event: () => {},
      job: () => document.body.dispatchEvent(new Event("changed")),
    });
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
