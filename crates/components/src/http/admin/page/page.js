// Keeps the page as it would be if it were loaded again. What can change has a key in `data-live`;
// nothing in it can have the focus.
"use strict";
const page = document.documentElement;
const word = document.getElementById("live");
const here = location.href;
const base = page.dataset.base;
const pause = 250;
let waiting = false;
let again = false;

async function refresh() {
  if (waiting) {
    again = true;
    return;
  }
  waiting = true;
  try {
    const answer = await fetch(here, { headers: { accept: "text/html" } });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const parts = new Map(Array.from(fresh.querySelectorAll("[data-live]"), (part) => [part.dataset.live, part]));
      for (const part of document.querySelectorAll("[data-live]")) {
        const now = parts.get(part.dataset.live);
        if (now && now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
      }
    }
  } catch {
    // Whoever follows the changes is told that nobody answers, and comes back here.
  }
  setTimeout(() => {
    waiting = false;
    if (again) {
      again = false;
      refresh();
    }
  }, pause);
}

const changes = new EventSource(`${base}changes`);
changes.addEventListener("open", () => {
  word.textContent = "This page follows what changes.";
  refresh();
});
changes.addEventListener("change", refresh);
changes.addEventListener("gap", refresh);
changes.addEventListener("error", () => {
  word.textContent = changes.readyState === EventSource.CLOSED
    ? "This page does not follow what changes: load it again to see it."
    : "Nobody answers. This page is as it was, and asks again.";
});
// Checks are no entries of a registry: they are asked again from time to time.
setInterval(() => {
  if (!document.hidden) refresh();
}, 10000);
