/** Parts that several views are made of. */

import * as api from "./api.js";
import { h, link, said, show, svg } from "./dom.js";
import { ofJourney } from "./router.js";
import { OVERLAYS, TONES, meaning } from "./states.js";
import { timeTag } from "./time.js";

const ICONS = {
  good: "M3 8.5l3.2 3.2L13 4.8",
  bad: "M4 4l8 8M12 4l-8 8",
  wait: "M8 4v4.2l2.8 1.8",
  info: "M3 8h9M8.5 4.5L12 8l-3.5 3.5",
  unknown: "M4 8h8",
};

/** Tell screen readers what has come. */
export function announce(/** @type {string} */ text) {
  const live = /** @type {Element} */ (document.getElementById("live"));
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 50);
}

export function icon(/** @type {string} */ tone) {
  const ring = tone === "wait" && svg("circle", { cx: 8, cy: 8, r: 6.2 });
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, ring, svg("path", { d: ICONS[tone] ?? ICONS.info }));
}

/** The state in words, sign and colour. */
export function chip(/** @type {string} */ state) {
  const { label, tone } = meaning(state);
  return h("span", { class: `chip ${tone}`, "data-state": state }, icon(tone), h("span", { class: "sr" }, `${TONES[tone]}: `), label);
}

/** Overlays as small marks beside the chip. */
export function marks(/** @type {api.Journey} */ journey) {
  return journey.overlays.map(({ kind }) => {
    const { label, tone } = OVERLAYS[kind] ?? { label: kind, tone: "info" };
    return h("span", { class: `mark ${tone}`, "data-overlay": kind }, label);
  });
}

/** How the whole looks: a complaint is bad news, however well the mail arrived. */
export function tone(/** @type {api.Journey} */ journey) {
  const isBad = journey.overlays.some(({ kind }) => OVERLAYS[kind]?.tone === "bad");
  return isBad ? "bad" : meaning(journey.state).tone;
}

/** The one sentence that says what happened. */
export function sentence(/** @type {api.Journey} */ journey) {
  return journey.diagnosis?.summary ?? meaning(journey.state).sentence;
}

/** A list of mail, each with its answer; `asked` is the address that was searched for, if one was. */
export function list(/** @type {api.Journey[]} */ journeys, asked = "") {
  return h("ol", { class: "mails" }, journeys.map((one) => row(one, asked)));
}

function row(journey, asked) {
  const subject = journey.subject || "(subject not known)";
  return h(
    "li",
    { class: `mail ${tone(journey)}` },
    h("p", { class: "mail-head" }, link(ofJourney(journey, asked), { class: "mail-link" }, said(subject)), " ", timeTag(journey.first_seen)),
    h("p", { class: "mail-state" }, chip(journey.state), " ", marks(journey)),
    h("p", { class: "mail-said" }, said(sentence(journey))),
    h("p", { class: "mail-who" }, "To ", said(journey.recipient ?? "somebody not known"), " from ", said(sender(journey))),
  );
}

export function sender(/** @type {api.Journey} */ journey) {
  if (journey.sender === "") return "the mail system (a notice)";
  return journey.sender ?? "somebody not known";
}

/** A button that fetches more and puts it at the end of the list. */
export function more(/** @type {Element} */ into, /** @type {string | null} */ cursor, /** @type {(cursor: string) => Promise<api.Page>} */ fetchMore) {
  const place = h("div", { class: "more" });
  const offer = (next) => show(place, next && button("Show more", async () => {
    const page = await fetchMore(next);
    const first = into.children.length;
    into.append(...page.journeys.map((one) => row(one, "")));
    announce(`${page.journeys.length} more.`);
    offer(page.cursor);
    /** @type {HTMLElement | null} */ (into.children[first]?.querySelector("a"))?.focus();
  }));
  offer(cursor);
  return place;
}

/** A button whose work may take a while or fail; it says so itself. */
export function button(/** @type {string} */ label, /** @type {() => any} */ work, /** @type {Record<string, any>} */ properties = {}) {
  const element = h("button", { type: "button", ...properties }, label);
  element.addEventListener("click", async () => {
    element.disabled = true;
    try {
      const told = await work();
      if (typeof told === "string") element.textContent = told;
    } catch (error) {
      element.textContent = "That did not work. Try again";
      announce(`${label}: ${/** @type {Error} */ (error).message}`);
    }
    element.disabled = false;
  });
  return element;
}

/** Save as CSV what the view shows. */
export function exportButton(/** @type {string} */ path, /** @type {Record<string, string>} */ parameters, /** @type {string} */ name) {
  return button("Export as CSV", async () => {
    const url = URL.createObjectURL(await api.csv(path, parameters));
    h("a", { href: url, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    announce("The CSV file is saved.");
  });
}

export function copyButton(/** @type {string} */ label, /** @type {() => string} */ text, properties = {}) {
  return button(label, async () => {
    await copy(text());
    announce("Copied.");
    return "Copied";
  }, properties);
}

/** Browsers give the clipboard only to pages that came over HTTPS or from this machine; the old way works for others. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = h("textarea", { class: "sr", readonly: true }, text);
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("The browser does not allow it.");
}

export function loading() {
  return h("div", { class: "blank" }, h("p", { class: "spinner", "aria-hidden": "true" }), h("p", null, "Looking…"));
}

/** Nothing found, or nothing to do: a heading, words, and where to look next. */
export function blank(/** @type {string} */ title, ...children) {
  return h("div", { class: "blank" }, h("h1", null, title), ...children);
}

export function failure(/** @type {string} */ title, /** @type {string} */ detail, /** @type {(() => void) | null} */ again = null, isEnd = false) {
  return h(
    "div",
    { class: "blank trouble", role: "alert" },
    h("h1", null, title),
    h("p", null, said(detail)),
    h("p", { class: "actions" }, again && h("button", { type: "button", on: { click: again } }, "Try again"), !isEnd && link("#/", { class: "button" }, "New search")),
  );
}
