/** What bounced, waits, was refused or complained of, a day at a time, narrowed by what somebody asks. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { blank, exportButton, list, more } from "./parts.js";
import { go, to } from "./router.js";
import { PROBLEMS, STATES } from "./states.js";
import { daysAgo, shortDay } from "./time.js";

const FILTERS = ["state", "recipient_domain", "sender_domain", "provider"];

export async function problems(/** @type {Record<string, string>} */ parameters) {
  const asked = { day: daysAgo(0), ...parameters };
  const page = await api.problems(asked);
  return { title: "Problems", said: told(page), body: [h("h1", null, "Problems"), form(asked), found(page, asked)] };
}

function told({ journeys, cursor }) {
  if (cursor && journeys.length === 0) return "None so far, but there are more to look through.";
  const many = cursor ? `The newest ${journeys.length}` : journeys.length;
  return journeys.length ? `${many} problem${journeys.length === 1 ? "" : "s"}.` : "No problems found.";
}

function found(page, asked) {
  if (page.journeys.length === 0 && !page.cursor) return none(asked);
  const rows = list(page.journeys);
  return [
    h("p", { class: "sub" }, told(page), " Newest first; the day is a day in UTC."),
    rows,
    more(rows, page.cursor, (cursor) => api.problems({ ...asked, cursor })),
    h("p", { class: "actions" }, exportButton("/v1/problems", asked, `postroad-problems-${asked.day}`)),
  ];
}

function none(asked) {
  const isNarrow = FILTERS.some((name) => asked[name]);
  const words = isNarrow ? "Nothing on this day fits all the filters. Clear some of them, or choose another day." : "On this day nothing bounced, was refused or complained of.";
  const empty = blank("No problems found", h("p", null, words));
  empty.querySelector("h1")?.replaceWith(h("h2", null, "No problems found"));
  return empty;
}

function form(asked) {
  const states = PROBLEMS.map((word) => h("option", { value: word, selected: asked.state === word }, STATES[word].label));
  return h(
    "form",
    { class: "filters card", "aria-label": "Filter the problems", on: { submit: apply } },
    days(asked.day),
    field("Day (UTC)", h("input", { type: "date", name: "day", value: asked.day, max: daysAgo(0), required: true })),
    field("What happened", h("select", { name: "state" }, h("option", { value: "" }, "Anything"), states)),
    field("Recipient's domain", text("recipient_domain", asked, "example.com")),
    field("Sender's domain", text("sender_domain", asked, "example.org")),
    field("Receiving provider", text("provider", asked, "google")),
    h("div", { class: "filter-do" }, h("button", { class: "primary", type: "submit" }, "Show"), h("a", { class: "button", href: to("problems") }, "Clear")),
  );
}

function days(current) {
  const links = [0, 1, 2, 3, 4, 5, 6].map((ago) => {
    const day = daysAgo(ago);
    const name = ago === 0 ? "Today" : shortDay(day);
    return h("a", { href: to("problems", { day }), "aria-current": day === current ? "date" : null }, name);
  });
  return h("nav", { class: "days", "aria-label": "Recent days" }, links);
}

function field(label, input) {
  const id = `f-${input.name}`;
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

function text(name, asked, placeholder) {
  return h("input", { type: "text", name, value: asked[name] ?? "", placeholder, spellcheck: "false", autocapitalize: "none", maxlength: 253 });
}

function apply(event) {
  event.preventDefault();
  const said = Object.fromEntries(new FormData(event.target));
  go(to("problems", /** @type {Record<string, string>} */ (Object.fromEntries(Object.entries(said).map(([name, value]) => [name, String(value).trim()])))));
}
