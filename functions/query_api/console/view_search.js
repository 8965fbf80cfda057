/** The first page, and what a search found. */

import * as api from "./api.js";
import { h, link, said } from "./dom.js";
import { blank, exportButton, list, more } from "./parts.js";
import { to } from "./router.js";
import { shown } from "./time.js";
import { answer } from "./view_mail.js";

const KINDS = {
  address: "mail for",
  ses_id: "mail with the Amazon SES id",
  queue_id: "mail with the queue id",
  message_id: "mail with the Message-ID",
  feedback_id: "mail with the feedback id",
};

export function home() {
  return {
    title: "",
    body: h(
      "div",
      { class: "home" },
      h("h1", { class: "sr" }, "What happened to the mail for this person?"),
      h("p", { class: "lead" }, "Type the person's email address above. You read what became of each message to them, why, and what to do next."),
      h(
        "ul",
        { class: "doors" },
        h("li", null, link(to("problems"), {}, h("strong", null, "Problems"), h("span", null, "What bounced, waits, was refused or complained of"))),
        h("li", null, link(to("summary"), {}, h("strong", null, "Summary"), h("span", null, "How much arrives, how fast, and where it does not"))),
        h("li", null, link(to("help"), {}, h("strong", null, "Words and keys"), h("span", null, "What each answer means; how to work without a mouse"))),
      ),
    ),
  };
}

export async function search(/** @type {Record<string, string>} */ { q = "", all = "" }) {
  const window = all ? { since: "all" } : {};
  const page = await api.search(q, window);
  const { journeys } = page;
  if (journeys.length === 0 && !page.cursor) return nothing(q, page.kind === "address", all);
  if (journeys.length === 1 && !page.cursor) return { ...answer(journeys[0], q), said: "One message found. Its answer is shown." };
  const rows = list(journeys, q);
  return {
    title: `Mail for ${q}`,
    said: `${count(page)} found.`,
    body: [
      heading(page, q),
      h("p", { class: "sub" }, windowText(page, q, all)),
      rows,
      more(rows, page.cursor, (cursor) => api.search(q, { ...window, cursor })),
      h("p", { class: "actions" }, exportButton("/v1/search", { q, ...window }, "postroad-search"), q.includes("@") && link(to("suppression", { address: q }), { class: "button" }, "Is the address suppressed?")),
    ],
  };
}

function heading(page, q) {
  return h("h1", null, `${count(page)}: `, KINDS[page.kind ?? "address"] ?? "mail for", " ", said(q));
}

function count({ journeys, cursor }) {
  const many = cursor ? `The newest ${journeys.length}` : journeys.length;
  return `${many} message${journeys.length === 1 ? "" : "s"}`;
}

function windowText(page, q, all) {
  if (all || page.kind !== "address") return "The newest first, of all the time that is kept.";
  const since = page.since ? `since ${shown(page.since)}` : "of the last 30 days";
  return ["The newest first, ", since, ". ", link(to("search", { q, all: "1" }), {}, "Search all time")];
}

/** Nothing found: what that can mean, in the order in which it is likely. */
function nothing(q, isAddress, all) {
  const isAll = all || !isAddress;
  return {
    title: `Nothing found for ${q}`,
    said: "Nothing found. Here is where to look next.",
    body: blank(
      "Nothing found",
      h("p", null, "There is no mail for ", said(q, "strong"), isAll ? " in all the time that is kept." : " in the last 30 days."),
      h("h2", null, "Where to look next"),
      h(
        "ul",
        { class: "steps" },
        !isAll && h("li", null, link(to("search", { q, all: "1" }), {}, "Search all time"), ", not only the last 30 days."),
        h("li", null, isAddress ? "Read the address again, letter by letter: a typing error is the most common cause." : "Copy the id whole, without spaces, or search for the person's address instead."),
        isAddress && h("li", null, "Ask for other addresses of the person. Mail may be sent to an older one."),
        isAddress && h("li", null, link(to("suppression", { address: q }), {}, "See whether the address is on the suppression list"), "."),
        h("li", null, "Ask the team of the application that should have sent it whether it did. What never reached our mail server is not seen here."),
        h("li", null, "If it was sent in the last two minutes, wait a little and search again."),
      ),
    ),
  };
}
