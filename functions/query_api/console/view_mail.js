/** One message to one recipient: the answer, its three stages, what to do, and the evidence. */

import * as api from "./api.js";
import { h, link, said } from "./dom.js";
import { announce, blank, chip, copyButton, icon, sender, sentence, tone } from "./parts.js";
import { ofJourney, to } from "./router.js";
import { isMasked } from "./session.js";
import { OVERLAYS } from "./states.js";
import { asTicket } from "./ticket.js";
import { dayOf, duration, timeTag } from "./time.js";

const STAGE_TONES = { yes: "good", no: "bad", waiting: "wait", unknown: "unknown" };
const STAGE_WORDS = { yes: "Yes", no: "No", waiting: "Not yet", unknown: "Not known" };
const SURE = { high: "The reply says so.", medium: "Probably: a code or a label says so.", low: "A guess: what was said is unclear." };
const PLACES = { relay: "our mail server", ses: "Amazon SES", server: "the recipient's mail server", recipient: "the recipient's address" };
const SOURCES = { relay: "Our mail server", ses: "Amazon SES" };

export async function mail(/** @type {Record<string, string>} */ parameters) {
  const { journey, alike } = await api.journey(parameters);
  if (!journey) {
    const words = h("p", null, "It may be older than what is kept. Search for the address to see what there is.");
    return { title: "Nothing found", body: blank("This message is not known", words), said: "Nothing found." };
  }
  return answer(journey, parameters.to ?? "", alike);
}

/** The page of one journey. */
export function answer(/** @type {api.Journey} */ journey, /** @type {string} */ asked, alike = 1) {
  const subject = journey.subject || "(subject not known)";
  return {
    title: subject,
    said: sentence(journey),
    body: h(
      "article",
      { class: "answer" },
      back(journey, asked),
      h("h1", null, said(subject)),
      h("p", { class: "sub" }, "To ", said(journey.recipient ?? "somebody not known", "strong"), " from ", said(sender(journey)), ", ", timeTag(journey.first_seen)),
      alike > 1 && h("p", { class: "note wait" }, icon("wait"), h("span", null, `This message has ${alike} recipients at this domain. Which of them this is about cannot be told while addresses are masked: search for the address.`)),
      verdict(journey),
      stages(journey),
      advice(journey),
      actions(journey, asked),
      timeline(journey),
      details(journey),
    ),
  };
}

function back(journey, asked) {
  const address = isMasked() ? asked : (journey.recipient ?? asked);
  return address && h("p", { class: "back" }, link(to("search", { q: address }), {}, "All mail for ", said(address)));
}

function verdict(journey) {
  return h(
    "section",
    { class: `verdict ${tone(journey)}`, "aria-label": "The answer" },
    h("p", null, chip(journey.state)),
    h("p", { class: "sentence" }, said(sentence(journey))),
    journey.overlays.length > 0 && h("ul", { class: "overlays" }, journey.overlays.map(overlay)),
  );
}

function overlay({ kind, text, at }) {
  const { label, tone: look } = OVERLAYS[kind] ?? { label: kind, tone: "info" };
  return h("li", { class: `overlay ${look}`, "data-overlay": kind }, icon(look), h("div", null, h("strong", null, label), " ", h("span", { class: "muted" }, at && timeTag(at)), h("p", null, said(text))));
}

function stages({ stages: all }) {
  if (all.length === 0) return null;
  return h("section", { "aria-labelledby": "stages" }, h("h2", { id: "stages", class: "sr" }, "How far it came"), h("ol", { class: "stages" }, all.map(stage)));
}

function stage({ question, state, text, at, line }) {
  const kind = STAGE_TONES[state] ?? "unknown";
  return h(
    "li",
    { class: `stage ${kind}`, "data-stage": state },
    h("h3", null, question),
    h("p", { class: "stage-word" }, h("span", { class: "dot" }, icon(kind)), STAGE_WORDS[state] ?? state, at && [" ", timeTag(at)]),
    h("p", null, said(text)),
    line && evidence(line),
  );
}

function advice({ diagnosis }) {
  if (!diagnosis) return null;
  return h(
    "section",
    { class: "advice card", "aria-labelledby": "advice" },
    h("h2", { id: "advice" }, "What to do"),
    h("p", { class: "advice-text" }, said(diagnosis.advice)),
    diagnosis.disagreement && h("p", { class: "note wait" }, icon("wait"), h("span", null, said(diagnosis.disagreement))),
    h(
      "dl",
      { class: "pairs" },
      pair("Who acts", diagnosis.by),
      pair("Where it lies", PLACES[diagnosis.where] ?? diagnosis.where),
      pair("How sure", SURE[diagnosis.confidence] ?? diagnosis.confidence),
      pair("Reason", h("code", null, diagnosis.reason)),
      pair("In their own words", h("q", { class: "mono" }, said(diagnosis.evidence.said)), "broad"),
    ),
  );
}

function pair(name, value, kind = null) {
  return value && h("div", { class: kind }, h("dt", null, name), h("dd", null, value));
}

function actions(journey, asked) {
  const address = isMasked() ? asked.includes("@") && asked : journey.recipient;
  const url = () => `${location.origin}/${ofJourney(journey, asked)}`;
  return h(
    "p",
    { class: "actions" },
    copyButton("Copy as text for a ticket", () => asTicket(journey, url()), { class: "primary", id: "copy" }),
    copyButton("Copy link", url),
    address && link(to("suppression", { address }), { class: "button" }, "Is the address suppressed?"),
  );
}

function timeline({ timeline: entries }) {
  const own = h("ol", { class: "timeline" }, byDay(entries));
  return h("section", { "aria-labelledby": "timeline" }, h("div", { class: "row" }, h("h2", { id: "timeline" }, "What happened, step by step"), toggle(own)), own);
}

function toggle(list) {
  const button = h("button", { type: "button", id: "evidence", "aria-pressed": "false" }, "Show all evidence lines");
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    for (const one of list.querySelectorAll("details")) one.open = open;
    announce(open ? "All evidence lines are shown." : "Evidence lines are hidden.");
  });
  return button;
}

/** The day is said once, where it begins. */
function byDay(entries) {
  let day = "";
  return entries.map((entry) => {
    const its = dayOf(entry.at);
    const isNew = its !== day;
    day = its;
    return step(entry, isNew ? its : null);
  });
}

function step({ at, source, text, line }, day) {
  return h(
    "li",
    { class: `step ${source}` },
    day && h("p", { class: "day" }, day),
    h("p", { class: "step-head" }, timeTag(at, "clock"), " ", h("span", { class: "muted" }, SOURCES[source] ?? source)),
    h("p", { class: "step-said" }, said(text)),
    line && evidence(line),
  );
}

function evidence(line) {
  return h("details", null, h("summary", null, "Evidence"), h("pre", { tabindex: "0", role: "region", "aria-label": "Log line" }, said(line)));
}

function details(journey) {
  const ids = (list, page) => list.map((id) => h("div", null, link(to(page, { q: id }), { class: "mono" }, said(id))));
  const mono = (text) => text && said(text, "mono");
  return h(
    "section",
    { class: "card", "aria-labelledby": "details" },
    h("h2", { id: "details" }, "Ids and hosts"),
    h(
      "dl",
      { class: "pairs" },
      pair("Message-ID", mono(journey.message_id), "broad"),
      pair("Amazon SES id", journey.ses_id && ids([journey.ses_id], "search"), "broad"),
      pair("Queue id", journey.queue_ids.length > 0 && ids(journey.queue_ids, "search")),
      pair("Mail server", mono(journey.hosts.join(", "))),
      pair("Configuration set", mono(journey.configuration_set)),
      pair("Took", journey.delay_s !== null && duration(journey.delay_s)),
      pair("Last news", timeTag(journey.last_seen)),
    ),
  );
}
