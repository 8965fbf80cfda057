/** Times in the viewer's zone, with UTC at hand; or in UTC throughout, for whoever compares with log lines. */

import { h } from "./dom.js";

const KEPT = "postroad.utc";

export function isUtc() {
  return localStorage.getItem(KEPT) === "1";
}

export function setUtc(/** @type {boolean} */ wanted) {
  if (wanted) localStorage.setItem(KEPT, "1");
  else localStorage.removeItem(KEPT);
}

export function zone() {
  return isUtc() ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "your zone";
}

/** @returns {string} `24 Nov 2026, 18:18:26` in the viewer's language. */
export function shown(/** @type {string} */ iso) {
  return format(iso, { dateStyle: "medium", timeStyle: "medium" });
}

/** @returns {string} `2026-11-24 17:18:26 UTC`, the same for everybody. */
export function utc(/** @type {string} */ iso) {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

/** A time as an element: `datetime` and title in UTC. */
export function timeTag(/** @type {string | null} */ iso, /** @type {"full" | "clock"} */ kind = "full") {
  if (!iso) return h("span", { class: "muted" }, "time not known");
  const text = kind === "clock" ? format(iso, { timeStyle: "medium" }) : shown(iso);
  return h("time", { datetime: iso, title: utc(iso) }, text);
}

/** The day a time falls on, in the zone in use. */
export function dayOf(/** @type {string} */ iso) {
  return format(iso, { dateStyle: "full" });
}

/** A UTC day, `2026-11-24`, which has no other zone. */
export function shortDay(/** @type {string} */ day) {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" }).format(
    new Date(`${day}T00:00:00Z`),
  );
}

/** `1.2 s`, `4 min`, `3 h 20 min`, `2 d 4 h`. */
export function duration(/** @type {number | null | undefined} */ seconds) {
  if (seconds === null || seconds === undefined) return "not known";
  if (seconds < 1) return "under a second";
  if (seconds < 100) return `${Number(seconds.toFixed(1))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The UTC day so many days before today. */
export function daysAgo(/** @type {number} */ days) {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

function format(iso, options) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return new Intl.DateTimeFormat(undefined, { ...options, ...(isUtc() ? { timeZone: "UTC" } : {}) }).format(at);
}
