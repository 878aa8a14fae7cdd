// Every page works without this.

// A form is sent once, however fast its button is pressed twice.
(() => {
  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    if (event.timeStamp - sent.get(event.target) < 2000) event.preventDefault();
    else sent.set(event.target, event.timeStamp);
  });
})();

// What is shown once is selected whole, to be copied.
(() => {
  const secret = document.getElementById("secret");
  if (!secret) return;
  secret.addEventListener("focus", () => secret.select());
  secret.focus();
})();

// Counts down while a thought is typed, and saves it on Ctrl+Enter.
(() => {
  const box = document.querySelector("textarea[data-limit]");
  const hint = document.getElementById("text-hint");
  if (!box || !hint) return;
  const limit = Number(box.dataset.limit);
  const unit = (n) => (n === 1 ? "1 character" : n + " characters");

  // The server counts Unicode scalar values of the trimmed text; spreading a string yields those.
  const count = () => {
    const left = limit - [...box.value.trim()].length;
    hint.textContent = left < 0 ? unit(-left) + " too many" : unit(left) + " left";
    hint.classList.toggle("over", left < 0);
    // Spoken only near the end: a number after each key would drown out the typing.
    hint.setAttribute("aria-live", left <= 20 ? "polite" : "off");
  };

  box.addEventListener("input", count);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      box.form.requestSubmit();
    }
  });
  count();
})();
