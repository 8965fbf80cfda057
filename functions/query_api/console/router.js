/**
 * Addresses of views: `#/page?name=value`. What stands behind the # never reaches a server, so no access log learns
 * whom somebody looked up.
 */

import { isMasked } from "./api.js";

/** @typedef {{page: string, parameters: Record<string, string>}} Route */

/** @returns {string} A link to a view; parameters without a value are left out. */
export function to(/** @type {string} */ page, /** @type {Record<string, string | null | undefined>} */ parameters = {}) {
  const kept = Object.entries(parameters).filter(([, value]) => value);
  const asked = new URLSearchParams(/** @type {string[][]} */ (kept));
  return `#/${page}${kept.length ? `?${asked}` : ""}`;
}

/** @returns {Route | null} Null for a fragment that is no view's, such as a place on the page. */
export function read(/** @type {string} */ hash) {
  if (hash === "" || hash === "#") return { page: "", parameters: {} };
  if (!hash.startsWith("#/")) return null;
  const [page, asked = ""] = split(hash.slice(2));
  return { page, parameters: Object.fromEntries(new URLSearchParams(asked)) };
}

export function go(/** @type {string} */ href) {
  location.hash = href;
}

/**
 * The link of one journey: by the surest thing known of it. One without an id is found by its address, which may be
 * masked in the answer though it was known to whoever asked.
 * @param {import("./api.js").Journey} one
 * @param {string} asked
 */
export function ofJourney(one, asked = "") {
  const id = one.ses_id ?? one.queue_ids.at(-1);
  const isHidden = isMasked(one.recipient);
  const address = !id && isHidden && asked.includes("@") ? asked : one.recipient;
  return to("mail", { id, to: address, at: one.first_seen, last: isHidden ? one.last_seen : null });
}

function split(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
