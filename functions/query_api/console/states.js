/** What each state and overlay is called, how it looks, and one sentence for somebody who has never run a mail server. */

/** @typedef {"good" | "wait" | "bad" | "info"} Tone */
/** @typedef {{label: string, tone: Tone, sentence: string}} Meaning */

/** @type {Record<string, Meaning>} */
export const STATES = {
  queued: {
    label: "In our mail queue",
    tone: "info",
    sentence: "Our own mail server has this message and has not passed it on yet.",
  },
  deferred: {
    label: "Our server is retrying",
    tone: "wait",
    sentence: "Our own mail server could not pass this message on so far. It tries again by itself.",
  },
  relayed: {
    label: "Handed to Amazon SES",
    tone: "info",
    sentence: "Our server handed this message to Amazon SES, the service that sends it on. Amazon has not reported back yet.",
  },
  accepted: {
    label: "Amazon SES accepted it",
    tone: "info",
    sentence: "Amazon SES, the service that sends our mail on, has taken this message and is delivering it.",
  },
  delayed: {
    label: "The recipient's server is making SES wait",
    tone: "wait",
    sentence: "The recipient's mail server is not taking this message for now. Amazon SES tries again by itself.",
  },
  "soft-bounced": {
    label: "Gave up after temporary failures",
    tone: "bad",
    sentence: "This message could not be delivered in the time allowed, and is no longer being tried.",
  },
  delivered: {
    label: "Accepted by the recipient's server",
    tone: "good",
    sentence: "The recipient's mail server accepted this message. From there on only the recipient's side can see it.",
  },
  bounced: {
    label: "Refused",
    tone: "bad",
    sentence: "This message was refused for good and did not arrive.",
  },
  suppressed: {
    label: "Not attempted: on a suppression list",
    tone: "bad",
    sentence: "This message was not sent, because the address is on a list of addresses that must not be written to.",
  },
  rejected: {
    label: "Refused before it was sent",
    tone: "bad",
    sentence: "This message was turned away on our side and never left for the recipient.",
  },
};

/** @type {Record<string, Meaning>} */
export const OVERLAYS = {
  complained: {
    label: "Reported as unwanted",
    tone: "bad",
    sentence: "The recipient, or somebody else who got the same message at that provider, marked it as spam.",
  },
  "late-bounce": {
    label: "Accepted, then sent back",
    tone: "bad",
    sentence: "The recipient's server first accepted this message and later sent it back.",
  },
  "auto-reply": {
    label: "Automatic reply suspected",
    tone: "info",
    sentence: "Something like an out-of-office note came back. The message itself was delivered.",
  },
  silent: {
    label: "No word for more than an hour",
    tone: "wait",
    sentence: "Amazon SES took this message more than an hour ago and has not said what became of it.",
  },
  held: {
    label: "On hold",
    tone: "wait",
    sentence: "An operator or a rule of our mail server holds this message back. It stays until somebody releases it.",
  },
  retrying: {
    label: "Still retrying",
    tone: "wait",
    sentence: "It is tried again by itself.",
  },
};

/** @type {Record<Tone, string>} What a tone is called where colour cannot be seen. */
export const TONES = { good: "Good", wait: "Waiting", bad: "Problem", info: "Under way" };

/** @returns {Meaning} */
export function meaning(/** @type {string} */ state) {
  return STATES[state] ?? { label: state, tone: "info", sentence: `This message stands at "${state}".` };
}

/** The states that the problems page lists. */
export const PROBLEMS = ["bounced", "soft-bounced", "rejected", "suppressed", "delayed", "deferred"];
