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

// What is being written is kept in this browser until it is saved: for each account its own, gone
// when it logs out.
(() => {
  const user = document.body.dataset.user;
  if (!user) return;
  const own = "draft:" + user + ":";
  const store = {
    get(key) {
      try {
        return JSON.parse(localStorage.getItem(own + key));
      } catch {
        return null;
      }
    },
    // Where nothing can be kept, writing goes on all the same.
    set(key, draft) {
      try {
        localStorage.setItem(own + key, JSON.stringify(draft));
      } catch {}
    },
    forget(key) {
      try {
        localStorage.removeItem(own + key);
      } catch {}
    },
    clear() {
      try {
        const keys = Object.keys(localStorage).filter((key) => key.startsWith(own));
        keys.forEach((key) => localStorage.removeItem(key));
      } catch {}
    },
  };

  // The page before has led to this: the thought is saved, by its form's or its own id.
  const saved = document.querySelector("[data-saved]")?.dataset.saved;
  if (saved) {
    store.forget(saved);
    if (store.get("new")?.mark === saved) store.forget("new");
  }
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/logout") store.clear();
  });

  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const key = form.dataset.draft;
  // The id of a new thought's form, or the state that a change was made from.
  const mark = form.elements.request_id ?? form.elements.etag;
  const { text, visibility } = form.elements;
  const begun = text.value;
  const keep = () => {
    const draft = { text: text.value, visibility: visibility.value, mark: mark.value };
    if (draft.text.trim() && (draft.text !== begun || "kept" in form.dataset)) store.set(key, draft);
    else store.forget(key);
  };
  form.addEventListener("input", keep);
  form.querySelector(".cancel")?.addEventListener("click", () => store.forget(key));

  const draft = store.get(key);
  if ("kept" in form.dataset) {
    // The page has brought the text along, and knows better.
    keep();
  } else if (draft && draft.text !== text.value) {
    text.value = draft.text;
    visibility.value = draft.visibility;
    const fresh = mark.value;
    mark.value = draft.mark;
    const note = document.createElement("p");
    note.className = "hint restored";
    note.setAttribute("role", "status");
    const afresh = document.createElement("button");
    afresh.type = "button";
    afresh.className = "plain";
    afresh.textContent = "Start afresh";
    afresh.addEventListener("click", () => {
      text.value = begun;
      mark.value = fresh;
      store.forget(key);
      note.remove();
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    });
    note.append("What you had begun is here again. ", afresh);
    form.append(note);
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
})();

// The next page of a list comes by itself when its link comes into sight. Some pages at a time, so
// that the end of the page can be reached; then by the link.
(() => {
  const AT_ONCE = 5;
  const list = document.querySelector("main .thoughts");
  if (!list || !window.IntersectionObserver) return;
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  list.after(said);
  let loaded = 0;

  const next = () => document.querySelector("main nav.pages a[rel=next]");
  const known = () =>
    new Set([...list.querySelectorAll("[data-thought]")].map((card) => card.dataset.thought));

  const load = async () => {
    const link = next();
    const answer = await fetch(link.href);
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const have = known();
    const more = [...page.querySelectorAll("main .thoughts > li")].filter(
      (item) => !have.has(item.querySelector("[data-thought]")?.dataset.thought),
    );
    const further = page.querySelector("main nav.pages a[rel=next]");
    list.append(...more.map((item) => document.importNode(item, true)));
    said.textContent = more.length ? more.length + " more" : "";
    if (further) link.href = further.getAttribute("href");
    else link.remove();
    loaded += 1;
    if (further && more.length && loaded < AT_ONCE) watch();
  };
  const watch = () => {
    const observer = new IntersectionObserver(
      (seen) => {
        if (!seen.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        // The link is still there to be followed.
        load().catch(() => {});
      },
      { rootMargin: "400px" },
    );
    observer.observe(next());
  };
  if (next()) watch();
})();

// Keys: a list of them under "?", and a way to switch them off there.
(() => {
  const KEYS = [
    ["?", "Show these keys"],
    ["n", "Write a thought"],
    ["/", "Search"],
    ["j", "Next thought"],
    ["k", "Thought before"],
    ["o", "Open the thought"],
    ["e", "Edit the thought"],
    ["d", "Ask whether to delete the thought"],
    ["Ctrl Enter", "Save, while writing"],
  ];
  const signedIn = Boolean(document.body.dataset.user);
  const make = (tag, ...content) => {
    const element = document.createElement(tag);
    element.append(...content);
    return element;
  };
  const isOff = () => {
    try {
      return localStorage.getItem("keys") === "off";
    } catch {
      return false;
    }
  };

  const dialog = make("dialog");
  dialog.className = "keys";
  const title = make("h2", "Keyboard shortcuts");
  title.id = "keys-title";
  dialog.setAttribute("aria-labelledby", title.id);
  const rows = KEYS.map(([key, what]) => make("div", make("dt", make("kbd", key)), make("dd", what)));
  const on = make("input");
  on.type = "checkbox";
  on.id = "keys-on";
  on.checked = !isOff();
  on.addEventListener("change", () => {
    try {
      localStorage.setItem("keys", on.checked ? "on" : "off");
    } catch {}
  });
  const label = make("label", on, " Single keys do something");
  label.htmlFor = on.id;
  const close = make("button", "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, make("dl", ...rows), label, close);
  document.body.append(dialog);

  const open = make("button", "Keyboard shortcuts");
  open.className = "plain";
  open.type = "button";
  open.addEventListener("click", () => dialog.showModal());
  document.querySelector(".colophon .frame")?.append(open);

  const cards = () => [...document.querySelectorAll("main [data-thought]")];
  const current = () => document.activeElement?.closest("main [data-thought]");
  const go = (step) => {
    const all = cards();
    const at = all.indexOf(current());
    const card = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    if (!card) return;
    card.tabIndex = -1;
    card.focus();
    card.scrollIntoView({ block: "nearest" });
  };
  const shown = (element) => element.offsetParent !== null;
  const actions = {
    "?": () => dialog.showModal(),
    n: () => {
      const box = document.querySelector("form.write textarea");
      if (box) box.focus();
      else if (signedIn) location.assign("/#text");
    },
    "/": () => {
      const field = [...document.querySelectorAll("form.search input")].find(shown);
      if (field) field.focus();
      else location.assign("/search");
    },
    j: () => go(1),
    k: () => go(-1),
    o: () => current()?.querySelector("footer a[href^='/thoughts/']")?.click(),
    e: () => current()?.querySelector("a.act")?.click(),
    d: () => current()?.querySelector(".remove summary")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (dialog.open || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();

// A list stays current: one's own by itself, others' when asked.
(() => {
  const place = document.querySelector("[data-live]");
  if (!place) return;
  const own = "own" in place.dataset;
  const waiting = new Map();

  const bar = document.createElement("p");
  bar.className = "news";
  bar.setAttribute("aria-live", "polite");
  const more = document.createElement("button");
  more.type = "button";
  place.before(bar);

  const shown = (id) => place.querySelector(`[data-thought="${CSS.escape(id)}"]`)?.closest("li");
  // The server has made the card, as it makes those of the page: what people wrote is text in it.
  const item = (html) => {
    const li = document.createElement("li");
    li.innerHTML = html;
    return li;
  };
  const insert = (li) => {
    let list = place.querySelector("ul.thoughts");
    if (!list) {
      list = document.createElement("ul");
      list.className = "thoughts";
      place.replaceChildren(list);
    }
    list.prepend(li);
  };
  const count = () => {
    if (!waiting.size) return bar.replaceChildren();
    more.textContent = waiting.size === 1 ? "1 new thought" : waiting.size + " new thoughts";
    bar.replaceChildren(more);
  };
  more.addEventListener("click", () => {
    for (const li of waiting.values()) insert(li);
    const last = [...waiting.values()].pop();
    waiting.clear();
    count();
    last?.querySelector("a")?.focus();
  });

  const source = new EventSource(place.dataset.live);
  source.addEventListener("open", () => (place.dataset.liveOpen = ""));
  const put = (event) => {
    const li = item(event.data);
    const id = li.querySelector("[data-thought]")?.dataset.thought;
    const old = id && shown(id);
    if (!id) return;
    if (old) {
      // What is being used is not taken away.
      if (!old.contains(document.activeElement)) old.replaceWith(li);
    } else if (own) insert(li);
    else {
      waiting.set(id, li);
      count();
    }
  };
  source.addEventListener("created", put);
  source.addEventListener("updated", put);
  source.addEventListener("deleted", (event) => {
    waiting.delete(event.data);
    shown(event.data)?.remove();
    count();
  });
  source.addEventListener("lost", () => {
    source.close();
    const again = document.createElement("a");
    again.href = location.href;
    again.textContent = "Load the newest thoughts";
    bar.replaceChildren(again);
  });
})();
