/** Who is asking: the token, where it comes from, and what it may do. It lives as long as the tab does. */

import * as oidc from "./oidc.js";

const KEPT = "postroad.token";
const FRAGMENT = /^#(?:.*&)?token=([^&]+)/;

/** @type {{auth: string, [name: string]: any}} */
let config = { auth: "token" };
const NOBODY = { who: "", scopes: [], masked: false };
/** @type {{who: string, scopes: string[], masked: boolean}} */
let me = NOBODY;

/** Learn how to sign in, and take the token that came with the address, if one did. */
export async function begin() {
  takeFragment();
  const response = await fetch("/config.json", { cache: "no-store" });
  if (response.ok) config = await response.json();
  if (config.auth === "oidc") await oidc.finish(config, keep);
}

/** Tell whether the API has said who we are. */
export function isKnown() {
  return me !== NOBODY;
}

export function isSignedIn() {
  return config.auth === "none" || sessionStorage.getItem(KEPT) !== null;
}

/** Tell whether there is anything to sign out of: a proxy's visitors never signed in here. */
export function canLeave() {
  return config.auth !== "none" && isSignedIn();
}

export function usesOidc() {
  return config.auth === "oidc";
}

export function headers() {
  const token = sessionStorage.getItem(KEPT);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Keep a token for this tab. */
export function keep(/** @type {string} */ token) {
  sessionStorage.setItem(KEPT, token.trim());
}

/** Go to the issuer; the page comes back to where it is now. */
export function signIn() {
  return oidc.begin(config);
}

export function signOut() {
  expired();
  const leaving = config.auth === "oidc" ? config.logout_endpoint : null;
  if (leaving) location.assign(leaving);
}

/** The API does not take the token, or no longer. */
export function expired() {
  sessionStorage.removeItem(KEPT);
  me = NOBODY;
}

/**
 * Learn who the API takes us for.
 * @param {{who: string, scopes: string[], masked: boolean}} told
 */
export function meet(told) {
  me = told;
}

/** Tell whether something is allowed; the API decides in the end, this only shows what can be done. */
export function may(/** @type {string} */ scope) {
  return me.scopes.some((one) => one === scope || one.endsWith(`/${scope}`));
}

export function isMasked() {
  return me.masked;
}

export function who() {
  return me.who;
}

/** A token in the fragment never reaches a server; and it goes from the address bar and the history at once. */
function takeFragment() {
  const found = FRAGMENT.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  keep(decodeURIComponent(found[1]));
}
