// JSON Schemas as people read them: a word for the type, what bounds it, fields one level at a time, an example.
import { h, prose } from "./dom.js";

let schemas = {};

export function learn(document) {
  schemas = document.components.schemas;
}

const nameOf = (schema) => schema.$ref?.split("/").pop();
const resolved = (schema) => (schema.$ref ? { ...schemas[nameOf(schema)], ...schema } : schema);

/** `Job`, `Job[]`, `map of int64`, `string`. */
export function typeOf(schema) {
  if (schema.$ref) return nameOf(schema).replace("-Input", "");
  if (schema.type === "array") return `${typeOf(schema.items)}[]`;
  if (schema.anyOf) return typeOf(schema.anyOf.find((one) => one.type && one.minimum !== undefined) ?? schema.anyOf[0]);
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return `map of ${typeOf(schema.additionalProperties)}`;
  }
  const type = [schema.type ?? "any"].flat().join(" or ");
  if (schema.contentEncoding) return schema.contentEncoding;
  return schema.format ? `${schema.format}${type === "string" && /int/.test(schema.format) ? " as string" : ""}` : type;
}

const WIDEST = { int32: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1] };

/** What is said of values beyond their type. */
export function boundsOf(schema) {
  const known = resolved(schema);
  const told = known.anyOf?.find((one) => one.minimum !== undefined || one.pattern) ?? known;
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = told;
  const widest = WIDEST[told.format] ?? [];
  const span = (least, most, what) => {
    if (least === undefined && most === undefined) return "";
    if (most === undefined) return `at least ${least}${what}`;
    return least ? `${least} to ${most}${what}` : `at most ${most}${what}`;
  };
  const isNarrow = minimum !== undefined && told.format !== "float" && (minimum !== widest[0] || maximum !== widest[1]);
  return [
    isNarrow && (maximum === widest[1] ? `from ${minimum}` : `${minimum} to ${maximum}`),
    span(minLength === 1 && !maxLength ? undefined : minLength, maxLength, " characters"),
    span(minItems, maxItems, " entries"),
    pattern && !told.contentEncoding && !/int/.test(told.format) && !/\\u00/.test(pattern) && h("code", {}, pattern),
  ].filter(Boolean);
}

const entryOf = (schema) => resolved(schema.type === "array" ? schema.items : schema);
export const valuesOf = (schema) => entryOf(schema).enum;

// What a field must satisfy has a line of its own in its comment.
function told(description = "") {
  const [text, validation] = description.split(/^Validation: /m);
  return [prose(text), validation && h("p", {}, h("small", {}, validation[0].toUpperCase() + validation.slice(1)))];
}

function childrenOf(schema) {
  const known = resolved(schema);
  if (known.type === "array") return childrenOf(known.items);
  if (known.properties) return Object.keys(known.properties).length ? known : undefined;
  return typeof known.additionalProperties === "object" ? childrenOf(known.additionalProperties) : undefined;
}

/** A row for a field or parameter, with what is inside it behind a disclosure that fills when it is opened. */
export function row(name, schema, { required, description, deprecated }) {
  const inside = childrenOf(schema);
  const flags = [
    required && h("span", { class: "flag" }, "required"),
    (deprecated || schema.deprecated) && h("span", { class: "flag mild" }, "deprecated"),
  ];
  const text = description ?? schema.description;
  // A comment tells it better.
  const bounds = /^Validation: /m.test(text) ? [] : boundsOf(schema).map((bound) => h("small", {}, bound));
  return h("div", {},
    h("dt", {}, h("span", { class: "name" }, name), h("small", {}, typeOf(schema)), flags, bounds),
    h("dd", {}, told(text),
      valuesOf(schema) && disclosure("Values", () => prose(entryOf(schema).description)),
      inside && disclosure(`Fields of ${typeOf(schema).replace(/\[\]$|^map of /, "")}`, () => fields(inside))));
}

/** The fields of an object. */
export function fields(schema) {
  const known = childrenOf(schema);
  if (!known) return h("p", {}, h("small", {}, typeOf(schema)));
  return h("dl", { class: "fields" }, Object.entries(known.properties).map(([name, field]) =>
    row(name, field, { required: known.required?.includes(name) && known.additionalProperties === false })));
}

function disclosure(label, fill) {
  const toggled = ({ target }) => target.open && target.childElementCount === 1 && target.append(...[fill()].flat());
  return h("details", { toggle: toggled }, h("summary", {}, label));
}

/** An example: what is required, or with `whole` every field, at most four levels deep. */
export function example(schema, whole, depth = 0) {
  const known = resolved(schema);
  if (known.examples) return known.examples[0];
  if (known.enum) return known.enum[1] ?? known.enum[0];
  if (known.oneOf) return example(known.oneOf[0], whole, depth);
  if (known.anyOf) return 1.5;
  if (known.properties) {
    const shown = Object.entries(known.properties).filter(([name]) => (whole && depth < 4) || known.required?.includes(name));
    return Object.fromEntries(shown.map(([name, field]) => [name, example(field, whole, depth + 1)]));
  }
  if (known.type === "array") return depth < 4 && whole ? [example(known.items, whole, depth + 1)] : [];
  if (known.type === "object") {
    const entry = known.additionalProperties;
    return whole && typeof entry === "object" ? { name: example(entry, whole, depth + 1) } : {};
  }
  return scalar(known);
}

function scalar({ type, format, contentEncoding, minimum }) {
  if (format === "date-time") return "2030-01-31T12:00:00Z";
  if (contentEncoding) return "aGVsbG8=";
  if (/int64/.test(format)) return "42";
  return { integer: Math.max(minimum ?? 0, 1), number: 1.5, boolean: true, string: "text", null: null }[[type].flat()[0]] ?? null;
}
