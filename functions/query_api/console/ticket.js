/** A journey as plain text: what a support person puts into a ticket, and what proves it. */

import { OVERLAYS, meaning } from "./states.js";
import { utc } from "./time.js";

/**
 * @param {import("./api.js").Journey} journey
 * @param {string} url
 */
export function asTicket(journey, url) {
  const { diagnosis, stages, overlays, timeline } = journey;
  return [
    `${meaning(journey.state).label}: ${diagnosis?.summary ?? meaning(journey.state).sentence}`,
    ...overlays.map(({ kind, text }) => `${OVERLAYS[kind]?.label ?? kind}: ${text}`),
    ...(diagnosis ? [`What to do (${diagnosis.by}): ${diagnosis.advice}`] : []),
    ...(diagnosis?.disagreement ? [`Note: ${diagnosis.disagreement}`] : []),
    "",
    ...fields(journey),
    "",
    ...stages.flatMap(({ question, text, at }) => [question, `  ${text}${at ? ` (${utc(at)})` : ""}`]),
    "",
    "Step by step, times in UTC:",
    ...timeline.flatMap(({ at, text, line }) => [`${utc(at).slice(0, 19)}  ${text}`, ...(line ? [`    ${line}`] : [])]),
    "",
    url,
    "",
  ].join("\n");
}

function fields(journey) {
  const all = {
    To: journey.recipient,
    From: journey.sender,
    Subject: journey.subject,
    "Message-ID": journey.message_id,
    "Queue id": journey.queue_ids.join(", "),
    "Amazon SES id": journey.ses_id,
    "Mail server": journey.hosts.join(", "),
  };
  return Object.entries(all).filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`);
}
