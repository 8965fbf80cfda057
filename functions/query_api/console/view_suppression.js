/** Whether Amazon SES refuses to write to an address, since when and why; and the way off that list. */

import * as api from "./api.js";
import { h, link, said } from "./dom.js";
import { announce, blank, button } from "./parts.js";
import { go, to } from "./router.js";
import * as session from "./session.js";
import { timeTag } from "./time.js";

const REASONS = {
  bounce: "Mail to this address was refused for good, so Amazon SES no longer writes to it.",
  complaint: "The person reported our mail as unwanted, so Amazon SES no longer writes to them.",
};

export async function suppression(/** @type {Record<string, string>} */ { address = "" }) {
  if (!address) return { title: "Suppression list", body: asking() };
  const status = await api.suppression(address);
  const listed = Boolean(status.listed);
  const words = listed ? "It is on the suppression list." : "It is not on the suppression list.";
  return {
    title: `Suppression of ${address}`,
    said: words,
    body: [
      h("p", { class: "back" }, link(to("search", { q: address }), {}, "All mail for ", said(address))),
      h("h1", null, said(address)),
      h("section", { class: `verdict ${listed ? "bad" : "good"}`, "aria-label": "The answer" }, h("p", { class: "sentence" }, words), listed ? why(status) : free()),
      listed && removal(address, status),
    ],
  };
}

function why({ reason, since }) {
  return [h("p", null, REASONS[reason] ?? said(reason ?? "Amazon SES does not say why.")), h("p", { class: "muted" }, "Since ", timeTag(since ?? null))];
}

function free() {
  return h("p", null, "Amazon SES does not refuse this address on our account's behalf. Amazon keeps a list of its own as well, which cannot be read: a message that met it says so.");
}

function removal(address, status) {
  const isMeant = status.reason === "complaint";
  return h(
    "section",
    { class: "card", "aria-labelledby": "removal" },
    h("h2", { id: "removal" }, "Take it off the list"),
    h("p", null, isMeant ? "Do so only if the person asks for our mail again. Writing to people who complained harms all our mail." : "Do so once you are sure that the address is right and its mailbox works. If it bounces again, it is listed again."),
    session.may("suppressions.write") ? h("p", { class: "actions" }, confirmed(address)) : h("p", { class: "muted" }, "Your sign-in does not allow this. Ask a mail operator."),
  );
}

/** Two steps: what is asked for first, is done second. */
function confirmed(address) {
  const place = h("span", { class: "actions" });
  const first = h("button", { type: "button", class: "danger" }, "Take this address off the list");
  const no = h("button", { type: "button" }, "Leave it there");
  const yes = button("Yes, take it off", async () => {
    await api.unsuppress(address);
    announce("It is off the list.");
    place.replaceChildren(h("strong", null, "It is off the list. Mail that was not sent has to be sent again by the application."));
  }, { class: "danger" });
  first.addEventListener("click", () => (place.replaceChildren(yes, no), no.focus()));
  no.addEventListener("click", () => (place.replaceChildren(first), first.focus()));
  place.append(first);
  return place;
}

function asking() {
  const input = h("input", { id: "address", type: "email", required: true, spellcheck: "false", autocapitalize: "none" });
  const onSubmit = (event) => (event.preventDefault(), go(to("suppression", { address: input.value.trim() })));
  return blank("Is an address on the suppression list?", h("form", { class: "narrow", on: { submit: onSubmit } }, h("label", { for: "address" }, "Email address"), input, h("button", { class: "primary", type: "submit" }, "Look")));
}
