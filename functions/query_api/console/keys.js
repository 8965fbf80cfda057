/** Shortcuts of one key each. They can be switched off (WCAG 2.1.4), and never act while somebody types. */

import { go } from "./router.js";

const KEPT = "postroad.keys-off";

/** What the help page tells. */
export const KEYS = [
  ["/", "go to the search box"],
  ["j, k", "next and previous message in a list"],
  ["e", "show or hide all evidence lines of a message"],
  ["c", "copy a message's answer as text for a ticket"],
  ["?", "this page"],
];

export function isOn() {
  return localStorage.getItem(KEPT) === null;
}

export function setOn(/** @type {boolean} */ wanted) {
  if (wanted) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, "1");
}

export function listen(/** @type {HTMLInputElement} */ box) {
  addEventListener("keydown", (event) => {
    if (!isOn() || isTyping(event)) return;
    const action = actions(box)[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function actions(box) {
  return {
    "/": () => (box.focus(), box.select()),
    "?": () => go("#/help"),
    j: () => step(1),
    k: () => step(-1),
    e: () => document.getElementById("evidence")?.click(),
    c: () => document.getElementById("copy")?.click(),
  };
}

function isTyping({ target, ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey || (target instanceof Element && target.matches("input, select, textarea"));
}

function step(by) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".mail-link")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1);
  links[next]?.focus();
}
