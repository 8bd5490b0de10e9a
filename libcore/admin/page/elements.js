"use strict";

// ---- elements: made once, then kept up to date, so that focus and selections stay where they are

const byId = (id) => document.getElementById(id);

// All text goes in as text, never as HTML.
function node(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function setText(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = text;
}

// One child of `parent` for each item, in their order; a child is kept for as long as its key is there.
function sync(parent, items, keyOf, make, update) {
  const known = parent.known ??= new Map();
  const keys = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    if (keys.has(key)) continue;
    keys.add(key);
    if (!known.has(key)) known.set(key, make(item));
    const child = known.get(key);
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const [key, child] of known) {
    if (keys.has(key)) continue;
    known.delete(key);
    const focused = child.contains(document.activeElement);
    const next = child.nextElementSibling ?? child.previousElementSibling;
    child.remove();
    if (focused) (next?.querySelector("button") ?? byId("main")).focus();
  }
}

// A table's row whose cells can be set by name.
function row(names, labels, act) {
  const cells = names.map((name, i) => i === 0 ? node("th", { scope: "row" }) :
    node("td", { "data-label": labels[i] || null, class: labels[i]?.number ? "number" : null }));
  const element = node("tr", {}, ...cells, ...(act ? [node("td", { class: "act" }, act)] : []));
  element.cells_ = Object.fromEntries(names.map((name, i) => [name, cells[i]]));
  return element;
}

// A text, and smaller below it another.
function setTwo(cell, text, small) {
  if (!cell.two) {
    cell.two = [document.createTextNode(""), node("small", {})];
    cell.replaceChildren(node("span", {}, ...cell.two));
  }
  if (cell.two[0].data !== String(text)) cell.two[0].data = String(text);
  setText(cell.two[1], small ?? "");
  cell.two[1].hidden = !small;
}

function section(id, shown) { byId(id).hidden = !shown; return shown; }
