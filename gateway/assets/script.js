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

// What is said aloud, and not shown.
const say = (() => {
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  document.querySelector("main").append(said);
  return (words) => (said.textContent = words);
})();

// A page in its parts. Its scripts do not run.
const load = async (address, options) => {
  const answer = await fetch(address, options);
  return [new DOMParser().parseFromString(await answer.text(), "text/html"), answer];
};

// Writing: a limit that is counted down, Ctrl+Enter, and drafts. What is being written is kept in
// this browser until it is saved: for each account its own, gone when it logs out.
const writing = (() => {
  const own = "draft:" + document.body.dataset.user + ":";
  // Where nothing can be kept, writing goes on all the same.
  const attempt = (what) => {
    try {
      return what();
    } catch {
      return null;
    }
  };
  const store = {
    get: (key) => attempt(() => JSON.parse(localStorage.getItem(own + key))),
    set: (key, draft) => attempt(() => localStorage.setItem(own + key, JSON.stringify(draft))),
    forget: (key) => attempt(() => localStorage.removeItem(own + key)),
    clear: () =>
      attempt(() => {
        const keys = Object.keys(localStorage).filter((key) => key.startsWith(own));
        keys.forEach((key) => localStorage.removeItem(key));
      }),
  };

  const count = (box, hint) => {
    const unit = (n) => (n === 1 ? "1 character" : n + " characters");
    const tell = () => {
      // The server counts Unicode scalar values of the trimmed text; spreading a string yields those.
      const left = box.dataset.limit - [...box.value.trim()].length;
      hint.textContent = left < 0 ? unit(-left) + " too many" : unit(left) + " left";
      hint.classList.toggle("over", left < 0);
      // Spoken only near the end: a number after each key would drown out the typing.
      hint.setAttribute("aria-live", left <= 20 ? "polite" : "off");
    };
    box.addEventListener("input", tell);
    tell();
  };

  const keep = (form) => {
    const key = form.dataset.draft;
    const { text, visibility } = form.elements;
    // The id of a new thought's form, or the state that a change was made from. A browser that goes
    // back to the page puts in what was typed, and what is set here as well.
    const mark = form.elements.request_id ?? form.elements.etag;
    mark.value = mark.value;
    const begun = text.defaultValue;
    const put = (draft) => {
      const known = draft.text !== begun || "kept" in form.dataset;
      if (known && draft.text.trim()) store.set(key, draft);
      else store.forget(key);
    };
    const now = () => ({ text: text.value, visibility: visibility.value, mark: mark.value });
    form.addEventListener("input", () => put(now()));
    form.querySelector(".cancel")?.addEventListener("click", () => store.forget(key));

    const draft = store.get(key);
    // What a page has brought along is newer.
    if ("kept" in form.dataset) return put(now());
    if (!draft || draft.text === text.value) return;
    const change = (to) => {
      text.value = to.text;
      visibility.value = to.visibility;
      mark.value = to.mark;
      text.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const before = { ...now(), text: begun };
    const note = document.createElement("p");
    note.className = "hint restored";
    note.setAttribute("role", "status");
    const afresh = document.createElement("button");
    afresh.type = "button";
    afresh.className = "plain";
    afresh.textContent = "Start afresh";
    afresh.addEventListener("click", () => {
      change(before);
      note.remove();
      text.focus();
    });
    note.append("What you had begun is here again. ", afresh);
    form.append(note);
    change(draft);
  };

  const prepare = (form) => {
    const { text } = form.elements;
    const hint = form.querySelector("[id^=text-hint]");
    if (hint) count(text, hint);
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      form.requestSubmit();
    });
    if (document.body.dataset.user) keep(form);
  };

  // A page that tells that a thought is saved, by its form's or its own id.
  const saved = (page) => {
    const id = page.querySelector("[data-saved]")?.dataset.saved;
    if (!id) return;
    store.forget(id);
    if (store.get("new")?.mark === id) store.forget("new");
  };

  saved(document);
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/logout") store.clear();
  });
  document.querySelectorAll("form[data-draft]").forEach(prepare);
  return { prepare, saved };
})();

// "Edit" opens the form in the thought's place. Whatever is not as expected goes on as it would
// without this: on a page of its own.
(() => {
  const editor = (card) => card.querySelector(".editor");
  const close = (card) => {
    editor(card).remove();
    card.classList.remove("editing");
    card.querySelector("a.act").focus();
  };
  const replace = (card, page) => {
    const id = card.dataset.thought;
    const now = page.querySelector(`[data-thought="${id}"]`);
    // It does not belong to this list any more.
    if (!now) return location.assign("/thoughts/" + id);
    const fresh = document.importNode(now, true);
    card.replaceWith(fresh);
    fresh.querySelector("a.act")?.focus();
  };
  const save = async (card, form) => {
    const body = new URLSearchParams(new FormData(form));
    const [page, answer] = await load(form.action, { method: "POST", body });
    if (!answer.ok || !answer.redirected) return put(card, page) || form.submit();
    writing.saved(page);
    replace(card, page);
    say(page.querySelector(".notice.done p")?.textContent ?? "");
  };

  // The form of a page with all that is said about it, as when there was another change meanwhile.
  const put = (card, page) => {
    const id = card.dataset.thought;
    if (!page.querySelector(`form[data-draft="${id}"]`)) return false;
    const place = document.createElement("div");
    place.className = "editor";
    const parts = [...page.querySelectorAll("main > :not(h1)")];
    place.append(...parts.map((part) => document.importNode(part, true)));
    // The box for a new thought has the same ids.
    for (const name of ["id", "for", "aria-describedby"]) {
      for (const element of place.querySelectorAll(`[${name}]`)) {
        const ids = element.getAttribute(name).split(" ");
        element.setAttribute(name, ids.map((it) => it + "-" + id).join(" "));
      }
    }
    editor(card)?.remove();
    card.classList.add("editing");
    card.append(place);
    const form = place.querySelector("form");
    const { text } = form.elements;
    writing.prepare(form);
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
    let busy = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      try {
        await save(card, form);
      } catch {
        const sorry = document.createElement("p");
        sorry.className = "mistake";
        sorry.setAttribute("role", "alert");
        sorry.textContent = "Not saved: MyThoughts cannot be reached. Your text is kept.";
        form.querySelector(":scope > .mistake")?.remove();
        form.append(sorry);
      }
      busy = false;
    });
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) close(card);
    });
    place.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (link?.matches(".cancel")) close(card);
      else if (link?.matches(".button")) load(link.href).then(([page]) => replace(card, page));
      else return;
      event.preventDefault();
    });
    return true;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.act");
    const card = link?.closest("[data-thought]");
    const otherwise = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!card || otherwise || event.defaultPrevented) return;
    event.preventDefault();
    const elsewhere = () => location.assign(link.href);
    load(link.href).then(([page]) => put(card, page) || elsewhere(), elsewhere);
  });
})();

// The next page of a list comes by itself when its link comes into sight. Some pages at a time, so
// that the end of the page can be reached; then by the link.
(() => {
  const AT_ONCE = 5;
  const list = document.querySelector("main .thoughts");
  if (!list || !window.IntersectionObserver) return;
  let loaded = 0;

  const next = () => document.querySelector("main nav.pages a[rel=next]");
  const known = () =>
    new Set([...list.querySelectorAll("[data-thought]")].map((card) => card.dataset.thought));

  const extend = async () => {
    const link = next();
    const [page, answer] = await load(link.href);
    if (!answer.ok || answer.redirected) return;
    const have = known();
    const more = [...page.querySelectorAll("main .thoughts > li")].filter(
      (item) => !have.has(item.querySelector("[data-thought]")?.dataset.thought),
    );
    const further = page.querySelector("main nav.pages a[rel=next]");
    list.append(...more.map((item) => document.importNode(item, true)));
    say(more.length ? more.length + " more" : "");
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
        extend().catch(() => {});
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
    ["Esc", "Stop editing; what is written is kept"],
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

  const items = () => [...place.querySelectorAll("ul.thoughts > li")];
  const shown = (id) => items().find((li) => li.querySelector(`[data-thought="${CSS.escape(id)}"]`));
  // What is being used is not taken away.
  const inUse = (li) => li.querySelector(".editing, details[open]");
  const written = (li) => li.querySelector("footer time").dateTime;
  // Whether it is of a page that is not here yet.
  const isBeyond = (li) =>
    document.querySelector("nav.pages a[rel=next]") && !items().some((it) => written(it) <= written(li));
  // The server has made the card, as it makes those of the page: what people wrote is text in it.
  const item = (html) => {
    const li = document.createElement("li");
    li.innerHTML = html;
    return li;
  };
  const insert = (li) => {
    if (!place.querySelector("ul.thoughts")) {
      const list = document.createElement("ul");
      list.className = "thoughts";
      place.replaceChildren(list);
    }
    // Mostly the first place; one that comes out of the trash goes back to where it was.
    const behind = items().find((it) => written(it) <= written(li)) ?? null;
    place.querySelector("ul.thoughts").insertBefore(li, behind);
  };
  const replace = (old, li) => {
    if (inUse(old)) return;
    const reachable = (it) => [...it.querySelectorAll("a, summary, article")];
    const at = reachable(old).indexOf(document.activeElement);
    old.replaceWith(li);
    const focused = reachable(li)[at];
    if (focused?.matches("article")) focused.tabIndex = -1;
    focused?.focus();
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

  const put = (event) => {
    const li = item(event.data);
    const id = li.querySelector("[data-thought]")?.dataset.thought;
    const old = id && shown(id);
    if (!id) return;
    if (old) replace(old, li);
    else if (waiting.has(id)) waiting.set(id, li);
    else if (event.type === "updated" || isBeyond(li)) return;
    else if (own) insert(li);
    else {
      waiting.set(id, li);
      count();
    }
  };
  const take = (event) => {
    const old = shown(event.data);
    if (waiting.delete(event.data)) count();
    if (old && !inUse(old)) old.remove();
  };
  const lose = () => {
    const again = document.createElement("a");
    again.href = location.href;
    again.textContent = "Load the newest thoughts";
    bar.replaceChildren(again);
  };

  // A browser comes back by itself when a stream ends, but not when it is refused.
  let last = "";
  let pause = 2000;
  const listen = () => {
    const address = new URL(place.dataset.live, location.href);
    if (last) address.searchParams.set("since", last);
    const source = new EventSource(address);
    source.addEventListener("open", () => {
      pause = 2000;
      place.dataset.liveOpen = "";
    });
    source.addEventListener("error", () => {
      delete place.dataset.liveOpen;
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, pause);
      pause = Math.min(pause * 2, 120000);
    });
    for (const [name, what] of [["created", put], ["updated", put], ["deleted", take]]) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId;
        what(event);
      });
    }
    source.addEventListener("lost", () => {
      source.close();
      lose();
    });
  };
  listen();
})();
