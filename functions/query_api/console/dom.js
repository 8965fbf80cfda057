/**
 * Elements made of code and texts. Data only ever becomes a text node or an attribute's value, never markup:
 * subjects, replies and addresses come from strangers.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false | any[]} Child */

/**
 * An HTML element. Properties: `class`, `on` (listeners by event), and attributes; null and false leave one out.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...Child} children
 * @returns {any}
 */
export function h(tag, properties, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/**
 * The same for SVG.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...Child} children
 * @returns {any}
 */
export function svg(tag, properties, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Replace what an element holds. */
export function show(/** @type {Element} */ element, /** @type {Child[]} */ ...children) {
  element.replaceChildren();
  append(element, children);
}

/** A link inside the console. Nothing that a stranger wrote may choose where a link leads, so only `#/` will do. */
export function link(/** @type {string} */ href, /** @type {Record<string, any>} */ properties, ...children) {
  if (!href.startsWith("#/")) throw new Error(`not a page of the console: ${href}`);
  return h("a", { ...properties, href }, ...children);
}

/** Text of unknown origin: its direction must not reorder what stands beside it. */
export function said(/** @type {string} */ text, /** @type {string | null} */ name = null) {
  return h("bdi", { class: name }, text);
}

function filled(element, properties, children) {
  const { on = {}, ...attributes } = properties ?? {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}
