/** What the words mean, and how to work without a mouse. */

import { h } from "./dom.js";
import { KEYS, isOn, setOn } from "./keys.js";
import { chip } from "./parts.js";
import { OVERLAYS, STATES } from "./states.js";

export function help() {
  return {
    title: "Help",
    body: [
      h("h1", null, "Words and keys"),
      section("What each answer means", h("dl", { class: "words" }, Object.entries(STATES).map(([word, { sentence }]) => h("div", null, h("dt", null, chip(word)), h("dd", null, sentence))))),
      section("What may be said beside it", h("dl", { class: "words" }, Object.values(OVERLAYS).map(({ label, tone, sentence }) => h("div", null, h("dt", null, h("span", { class: `mark ${tone}` }, label)), h("dd", null, sentence))))),
      section("Accepted is not the same as read", h("p", null, "A mail server that accepts a message takes responsibility for it. It may still put it into a spam folder, hold it back, or show it late. No sender can see that from outside: only the recipient or their provider can.")),
      section("Ids that you can search for", ids()),
      section("Keys", keys()),
    ],
  };
}

function section(title, ...children) {
  return h("section", { class: "card" }, h("h2", null, title), ...children);
}

function ids() {
  const all = [
    ["Email address", "ann@example.com", "the person's; capitals do not matter"],
    ["Queue id", "4jYqJy4G0JzJBDn", "in our mail server's log, and in its replies"],
    ["Amazon SES id", "010201a20e90e535-503dd89c-…-000000", "in Amazon's events and in our mail server's log"],
    ["Message-ID", "<89b505dc@app.example.org>", "in the message's own headers"],
  ];
  return h("dl", { class: "words" }, all.map(([name, example, where]) => h("div", null, h("dt", null, name), h("dd", null, h("code", null, example), h("br"), where))));
}

function keys() {
  const box = h("input", { type: "checkbox", id: "keys-on", checked: isOn(), on: { change: () => setOn(box.checked) } });
  return [
    h("dl", { class: "words keys" }, KEYS.map(([key, does]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, does)))),
    h("p", { class: "check" }, box, h("label", { for: "keys-on" }, "Use these keys")),
  ];
}
