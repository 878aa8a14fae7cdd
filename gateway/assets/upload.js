// An upload says how far it is, and its answer takes the place of the page.
(() => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const told = form.querySelector("[data-progress]");
  const button = form.querySelector("button");
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "Sent");
  const mb = (bytes) => (bytes / 1e6).toFixed(1) + " MB";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const files = new FormData(form);
    const request = new XMLHttpRequest();
    let said = 0;
    request.upload.onprogress = ({ loaded, total }) => {
      [bar.max, bar.value] = [total, loaded];
      if (loaded < total && Date.now() - said < 2000) return;
      said = Date.now();
      told.textContent = loaded < total ? `${mb(loaded)} of ${mb(total)} sent` : "All sent, storing the last of it…";
    };
    // A long one is told of line by line.
    request.onprogress = () => {
      const line = request.responseText.match(/.*<li>([^<]*)<\/li>/s);
      if (line) told.textContent = line[1];
    };
    request.onload = () => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const main = document.adoptNode(page.querySelector("main"));
      document.querySelector("main").replaceWith(main);
      document.title = page.title;
      main.focus();
      scrollTo(0, 0);
    };
    request.onerror = () => {
      bar.remove();
      button.disabled = false;
      told.textContent = "The connection broke off. Send the same file again for the rest.";
    };
    button.disabled = true;
    told.before(bar);
    // A session that is about to end is renewed before.
    fetch(location.href, { method: "HEAD" }).finally(() => {
      request.open("POST", form.action);
      request.send(files);
    });
  });
})();
