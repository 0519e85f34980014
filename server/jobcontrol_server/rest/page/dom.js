// Elements, and the little Markdown that comments of proto files use. Texts are only ever text nodes.

/** An element: `h("a", {href}, "text", child, [more])`. Functions are listeners, false and undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

// Code in backticks, and codes of errors like NOT_FOUND/JOB_NOT_FOUND.
const CODE = /`([^`]+)`|\b([A-Z]{3,}(?:_[A-Z]+)+(?:\/[A-Z_]+)?|[A-Z]{5,}\/[A-Z_]+)\b|\*(\w+)\*/g;

export function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(CODE)) {
    parts.push(text.slice(end, found.index), found[3] ? h("em", {}, found[3]) : h("code", {}, found[1] ?? found[2]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

/** Paragraphs and lists. */
export function prose(text = "") {
  return text.split(/\n\s*\n/).filter((block) => block.trim()).flatMap((block) => {
    const [lead, ...items] = block.split(/\n?^\s*(?:-|\d+\.) +/m);
    const list = /^\s*\d+\. /m.test(block) ? "ol" : "ul";
    return [
      lead.trim() && h("p", {}, inline(lead)),
      items.length > 0 && h(list, {}, items.map((item) => h("li", {}, inline(item)))),
    ].filter(Boolean);
  });
}
