// Says why a passkey or a security key did not do what its button promised.
"use strict";
(function () {
  const SAYS = {
    NotAllowedError: "Nothing was confirmed: you or your device cancelled it, or no key of this account is here.",
    InvalidStateError: "This device is one of your keys already.",
  };
  const ELSEWHERE =
    "Passkeys and security keys work only where the hub is opened by its name and HTTPS" +
    " (or at localhost), not by a number. Ask the lab for that address.";

  function text(exception) {
    if (!window.isSecureContext || exception.name === "SecurityError") return ELSEWHERE;
    return SAYS[exception.name] || "Your browser could not use a key here.";
  }

  document.addEventListener("allauth.error", (event) => {
    let note = document.getElementById("key-says");
    if (!note) {
      note = document.createElement("div");
      note.id = "key-says";
      note.className = "note bad";
      note.setAttribute("role", "alert");
      document.querySelector("main .head").after(note);
    }
    const said = document.createElement("p");
    said.textContent = text(event.detail.exception);
    note.replaceChildren(said);
  });
})();
