// Builds elements. Whatever a person or the server wrote is only ever set as text.

export const $ = (id) => document.getElementById(id);

/** Return a new element: properties that the element has are set, others become attributes. */
export function el(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** Return a new SVG element with these attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && !name.includes("-") && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Return a table with a caption for all, and header cells for columns. */
export function table(caption, columns, rows) {
  return el(
    "div",
    { className: "scroll", tabIndex: 0, role: "group", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { className: "unseen" }, caption),
      el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", { className: /^[\d.]+( m?s)?$/.test(cell) ? "number" : "" }, cell ?? ""))))),
    ),
  );
}

/** Return a part of the answer with a heading. */
export function part(title, ...children) {
  return el("section", { className: "part" }, el("h3", {}, title), ...children);
}

/** Return a part that opens on demand. */
export function folded(title, ...children) {
  return el("details", { className: "part" }, el("summary", {}, title), ...children);
}
