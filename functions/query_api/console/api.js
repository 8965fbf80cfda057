/** The HTTP API, and what it answers as the views want it. Only this module knows paths and parameter names. */

import * as session from "./session.js";

/** @typedef {{at: string, source: string, event: string, text: string, line: string | null}} Entry */
/** @typedef {{question: string, state: "yes" | "no" | "waiting" | "unknown", text: string, at: string | null, line: string | null}} Stage */
/** @typedef {{kind: string, text: string, at: string | null}} Overlay */
/**
 * @typedef {{reason: string, where: string, summary: string, by: string, advice: string, confidence: string,
 *   evidence: {rule: string, found: string, said: string}, disagreement: string | null}} Diagnosis
 */
/**
 * @typedef {{recipient: string | null, state: string, sender: string | null, subject: string | null,
 *   message_id: string | null, queue_ids: string[], hosts: string[], ses_id: string | null,
 *   configuration_set: string | null, first_seen: string, last_seen: string, delay_s: number | null,
 *   timeline: Entry[], stages: Stage[], overlays: Overlay[], diagnosis: Diagnosis | null}} Journey
 */
/** @typedef {{journeys: Journey[], cursor: string | null, kind: string | null, since: string | null}} Page */

const MOST_EMPTY = 5;

/** What the API refused, or could not do: RFC 9457. */
export class Problem extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ detail, parameter = null) {
    super(detail);
    this.status = status;
    this.parameter = parameter;
  }
}

/** Whatever somebody has of a message: the API knows it by its form. */
export function search(/** @type {string} */ q, /** @type {Record<string, string>} */ more = {}) {
  return page("/v1/search", { q, ...more });
}

/** What bounced, waits, was refused or complained of. */
export function problems(/** @type {Record<string, string>} */ filters) {
  return page("/v1/problems", filters);
}

export function summary(/** @type {Record<string, string>} */ filters) {
  return ask("/v1/summary", filters);
}

/** Who we are to the API, and what we may do. */
export function me() {
  return ask("/v1/me");
}

export function suppression(/** @type {string} */ address) {
  return ask(`/v1/suppressions/${encodeURIComponent(address)}`);
}

export function unsuppress(/** @type {string} */ address) {
  return ask(`/v1/suppressions/${encodeURIComponent(address)}`, {}, { method: "DELETE" });
}

/**
 * One journey by what its link says; any of it may be missing. Masked recipients of one message may look alike:
 * `alike` tells how many there are that the link could mean.
 * @param {{id?: string, to?: string, at?: string, last?: string}} link
 * @returns {Promise<{journey: Journey | null, alike: number}>}
 */
export async function journey({ id, to = "", at, last }) {
  const found = await (id ? search(id, { since: "all" }) : search(to, around(at)));
  const own = found.journeys.filter((one) => !to || isSame(one.recipient ?? "", to));
  const then = preferred(own, (one) => one.first_seen === at);
  const alike = isMasked(then[0]?.recipient) ? preferred(then, (one) => one.last_seen === last) : then.slice(0, 1);
  return { journey: alike[0] ?? null, alike: alike.length };
}

/** The same answer as CSV, which a link cannot fetch: it carries no token. */
export async function csv(/** @type {string} */ path, /** @type {Record<string, string>} */ parameters) {
  const response = await send(path, { ...parameters, format: "csv" }, {});
  return response.blob();
}

async function ask(path, parameters = {}, options = {}) {
  const response = await send(path, parameters, options);
  return response.status === 204 ? {} : response.json();
}

async function send(path, parameters, options) {
  const asked = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  const headers = { Accept: parameters.format === "csv" ? "text/csv" : "application/json", ...session.headers() };
  const response = await reached(`${path}${asked.size ? `?${asked}` : ""}`, { ...options, headers });
  if (response.status === 401) session.expired();
  if (!response.ok) throw await refusal(response);
  return response;
}

async function reached(url, options) {
  try {
    return await fetch(url, { ...options, cache: "no-store", credentials: "same-origin" });
  } catch {
    throw new Problem(0, "The service cannot be reached. It may be restarting, or your connection may be down.");
  }
}

async function refusal(response) {
  const told = await response.json().catch(() => ({}));
  return new Problem(response.status, told.detail ?? told.title ?? response.statusText, told.parameter ?? null);
}

/**
 * A page of a list. One may be empty and yet lead on, as filters narrow what was read: then the next few are asked for.
 * @returns {Promise<Page>}
 */
async function page(path, parameters, left = MOST_EMPTY) {
  const answer = await ask(path, parameters);
  if (answer.journeys.length === 0 && answer.cursor && left > 0) {
    return page(path, { ...parameters, cursor: answer.cursor }, left - 1);
  }
  return { kind: null, since: null, ...answer, journeys: answer.journeys.map(complete) };
}

function complete(one) {
  const lists = { queue_ids: [], hosts: [], timeline: [], stages: [], overlays: [] };
  for (const name of Object.keys(lists)) lists[name] = one[name] ?? [];
  return { diagnosis: null, ...one, ...lists };
}

function preferred(all, isWanted) {
  const wanted = all.filter(isWanted);
  return wanted.length ? wanted : all;
}

/** Tell whether an address shows its domain only. */
export function isMasked(/** @type {string | null | undefined} */ address) {
  return address?.startsWith("***@") ?? false;
}

/** A colleague who sees more may have made the link, or one who sees less. */
function isSame(left, right) {
  const [one, other] = [left.toLowerCase(), right.toLowerCase()];
  if (isMasked(one) || isMasked(other)) return one.split("@").pop() === other.split("@").pop();
  return one === other;
}

/** A day on either side, whatever the record's own time is. */
function around(at) {
  if (!at) return {};
  const moved = (days) => new Date(new Date(at).getTime() + days * 86_400_000).toISOString();
  return { since: moved(-1), until: moved(1) };
}
