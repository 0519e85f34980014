// The reference of the REST API, drawn from openapi.json beside it: one view for each operation, found by its name.
import { h, inline, prose } from "./dom.js";
import { example, fields, learn, row, typeOf } from "./schema.js";
import { trial, useToken } from "./trial.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const METHODS = ["get", "post", "put", "patch", "delete"];

let spec;
let rpcs; // Every RPC with its routes: {name, group, routes: [{method, path, operation}], words}

start();

async function start() {
  try {
    const response = await fetch("openapi.json");
    if (!response.ok) throw new Error(`openapi.json: ${response.status} ${response.statusText}`);
    spec = await response.json();
  } catch (error) {
    main.replaceChildren(h("h1", {}, "The reference could not be loaded"), h("p", { role: "alert" }, error.message));
    return;
  }
  learn(spec);
  rpcs = readRpcs();
  $("title").textContent = `${spec.info.title} REST API`;
  $("version").textContent = spec.info.version;
  $("token").hidden = !spec.security;
  $("token").querySelector("input").addEventListener("input", ({ target }) => useToken(target.value.trim()));
  $("search").addEventListener("input", drawNavigation);
  addEventListener("keydown", onKey);
  addEventListener("hashchange", () => show(true));
  drawNavigation();
  show(false);
}

function readRpcs() {
  const byName = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((known) => item[known])) {
      const operation = item[method];
      const rpc = operation["x-rpc"];
      if (!byName.has(rpc)) byName.set(rpc, { name: spaced(rpc.split("/").pop()), routes: [] });
      byName.get(rpc).routes.push({ method: method.toUpperCase(), path, operation });
    }
  }
  return [...byName.values()].map((rpc) => {
    rpc.routes.sort((a, b) => place(a.operation.operationId) - place(b.operation.operationId));
    const [first] = rpc.routes;
    const texts = rpc.routes.map(({ method, path, operation }) =>
      [method, path, operation.summary, ...(operation.parameters ?? []).map(({ name }) => name)].join(" "));
    const words = [rpc.name, ...texts, ...bodyFields(first.operation)].join(" ").toLowerCase();
    return { ...rpc, words, group: spaced(first.path.split(/[/:]/).filter((part) => part && !/^v\d|^{/.test(part))[0] ?? "other") };
  });
}

const place = (operationId) => Number(/_(\d+)$/.exec(operationId)?.[1] ?? 1);

function spaced(name) {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words[0].toUpperCase() + words.slice(1);
}

function bodyFields({ requestBody }) {
  const { schema } = requestBody?.content["application/json"] ?? {};
  return Object.keys((schema?.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema)?.properties ?? {});
}

const badge = (method) => h("span", { class: `method ${method.toLowerCase()}` }, method);
const link = ({ operation }) => `#${operation.operationId}`;
const current = () => decodeURIComponent(location.hash.slice(1));

function grouped(found) {
  return [...new Set(found.map(({ group }) => group))].map((group) => [group, found.filter((rpc) => rpc.group === group)]);
}

function drawNavigation() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rpcs.filter((rpc) => words.every((word) => rpc.words.includes(word)));
  document.body.classList.toggle("searching", words.length > 0);
  $("found").textContent = words.length ? `${found.length || "No"} ${found.length === 1 ? "match" : "matches"}` : "";
  $("groups").replaceChildren(...grouped(found).flatMap(([group, members]) => [
    h("h2", {}, group),
    h("ul", {}, members.map(({ name, routes }) => h("li", {}, h("a", {
      href: link(routes[0]),
      "aria-current": routes.some(({ operation }) => operation.operationId === current()) && "page",
    }, badge(routes[0].method), name)))),
  ]));
}

function onKey(event) {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    $("search").focus();
  } else if (event.key === "Escape" && event.target === $("search")) {
    $("search").value = "";
    drawNavigation();
  } else if (event.key === "Enter" && event.target === $("search")) {
    $("groups").querySelector("a")?.click();
  }
}

function show(moveFocus) {
  const rpc = rpcs.find(({ routes }) => routes.some(({ operation }) => operation.operationId === current()));
  if (rpc && moveFocus) $("search").value = "";
  main.replaceChildren(...(rpc ? operationView(rpc) : overview()));
  document.title = `${rpc ? `${rpc.name} · ` : ""}${spec.info.title} REST API`;
  drawNavigation();
  if (moveFocus) {
    scrollTo(0, 0);
    main.querySelector("h1").focus();
  }
}

function overview() {
  return [
    h("h1", { tabindex: "-1" }, `${spec.info.title} REST API`),
    h("div", { class: "text" }, prose(spec.info.description)),
    grouped(rpcs).map(([group, members]) => [
      h("h2", {}, group),
      h("ul", { class: "overview" }, members.map(({ routes: [first] }) => h("li", {}, h("a", { href: link(first) },
        badge(first.method), h("span", { class: "route" }, first.path), h("small", {}, inline(first.operation.summary ?? "")))))),
    ]),
  ].flat(3);
}

function operationView({ name, routes }) {
  const { method, path, operation } = routes.find((route) => route.operation.operationId === current());
  return [
    h("h1", { tabindex: "-1" }, name),
    h("div", { class: "text" },
      h("p", {}, inline(operation.summary ?? ""), " ", operation.deprecated && h("span", { class: "flag mild" }, "deprecated")),
      h("ul", { class: "routes", "aria-label": routes.length > 1 ? "Routes, of which one is shown" : "Route" }, routes.map((route) => h("li", {}, h("a", {
        href: link(route), "aria-current": route.operation === operation && "true",
      }, badge(route.method), h("span", { class: "route" }, route.path)))))),
    h("div", { class: "columns" },
      h("div", {},
        h("div", { class: "text" }, prose(operation.description)),
        parameters(operation, "path", "Path"), parameters(operation, "query", "Query"), parameters(operation, "header", "Headers"),
        requestBody(operation), answers(operation)),
      trial(method, path, operation)),
  ];
}

function parameters(operation, where, title) {
  const here = (operation.parameters ?? []).filter((parameter) => parameter.in === where);
  return here.length > 0 && [h("h2", {}, title), h("dl", { class: "fields" }, here.map((parameter) => row(parameter.name, parameter.schema, parameter)))];
}

function requestBody(operation) {
  return Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) =>
    [h("h2", {}, "Body ", h("small", {}, type)), schema && fields(schema)]);
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const known = response.$ref ? spec.components.responses[response.$ref.split("/").pop()] : response;
    const contents = Object.entries(known.content ?? {});
    return [
      h("h2", {}, status === "default" ? "Errors" : `Answer ${status}`),
      known.description !== "OK" && h("p", {}, known.description),
      contents.map(([type, { schema }]) => [
        contents.length > 1 || status !== "default" ? h("h3", {}, type, schema && !schema.oneOf && schema.type !== "string" ? ` · ${typeOf(schema)}` : "") : "",
        schema ? schema.oneOf ? lines(schema) : schema.type === "string" ? prose(schema.description) : answered(schema, status) : prose("Bytes of any media type."),
      ]),
    ];
  });
}

const lines = (schema) => [prose(schema.description), schema.oneOf.map((line) => fields(line))];

function answered(schema, status) {
  const sample = status === "200" && h("details", {}, h("summary", {}, "Example"), h("pre", { tabindex: "0" }, JSON.stringify(example(schema, true), null, 2)));
  return [fields(schema), sample];
}
