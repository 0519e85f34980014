// "Try it": a form for one operation, the request it stands for, as curl too, and the answer as it comes.
import { h } from "./dom.js";
import { example, typeOf, valuesOf } from "./schema.js";

const BASE = new URL(".", location.href).href;
const filled = {}; // What was typed, by parameter, so that a job's id need be given once.
let token = "";

export function useToken(value) {
  token = value;
}

/** The form for an operation at `path`, called with `method`. */
export function trial(method, path, operation) {
  const parameters = operation.parameters ?? [];
  const content = operation.requestBody?.content["application/json"];
  const accepts = Object.keys(operation.responses["200"].content ?? {}).filter((type) => type !== "*/*");
  const inputs = new Map(parameters.map((parameter) => [parameter, control(parameter)]));
  const body = content && h("textarea", { spellcheck: "false", input: refresh }, JSON.stringify(example(content.schema), null, 2));
  const accept = accepts.length > 1 && h("select", { change: refresh }, accepts.map((type) => h("option", {}, type)));
  const curl = h("pre", { tabindex: "0", "aria-label": "As curl" });
  const answer = h("div", {});
  const send = h("button", { class: "main", type: "submit" }, "Send");
  const copy = h("button", { type: "button", click: () => copied(copy, curl.textContent) }, "Copy as curl");

  const needed = parameters.filter(({ required }) => required);
  const others = parameters.filter(({ required }) => !required);
  const form = h("form", { class: "try", "aria-label": "Try it", submit, input: refresh, novalidate: true },
    h("h2", {}, "Try it"),
    needed.map(labelled),
    body && h("label", {}, "Body", body),
    accept && h("label", {}, "Answer as", accept),
    others.length > 0 && h("details", { open: needed.length === 0 && !body && others.length < 4 },
      h("summary", {}, others.length === 1 ? "1 optional parameter" : `${others.length} optional parameters`), others.map(labelled)),
    h("div", { class: "buttons" }, send, copy), curl, answer);
  refresh();
  return form;

  function control(parameter) {
    const known = { name: parameter.name, value: filled[parameter.name] ?? "", autocomplete: "off", spellcheck: "false" };
    const values = parameter.schema.type === "boolean" ? ["true", "false"] : parameter.schema.type !== "array" && valuesOf(parameter.schema);
    if (values) return h("select", { name: parameter.name }, h("option", { value: "" }, "–"), values.map((value) => h("option", {}, value)));
    const hint = { array: "one, two", object: "name=value, name=value" }[parameter.schema.type] ?? typeOf(parameter.schema);
    return h("input", { ...known, placeholder: hint, "aria-required": parameter.required && "true" });
  }

  function labelled(parameter) {
    return h("label", {}, parameter.name, " ", h("small", {}, parameter.in), inputs.get(parameter));
  }

  function given(where) {
    return parameters.filter((parameter) => parameter.in === where && inputs.get(parameter).value)
      .map((parameter) => [parameter, inputs.get(parameter).value]);
  }

  function request() {
    let where = path;
    for (const [parameter, value] of given("path")) {
      const segments = parameter["x-segments"] ? value.split("/") : [value];
      where = where.replace(`{${parameter.name}}`, () => segments.map(encodeURIComponent).join("/"));
    }
    const query = new URLSearchParams(given("query").flatMap(([parameter, value]) => pairs(parameter, value)));
    const headers = Object.fromEntries(given("header").map(([parameter, value]) => [parameter.name, value]));
    if (body?.value.trim()) headers["Content-Type"] = "application/json";
    if (accept && accept.selectedIndex > 0) headers.Accept = accept.value;
    if (token) headers.Authorization = `Bearer ${token}`;
    const url = BASE + where.slice(1) + (query.size ? `?${query}` : "");
    return { url, headers, body: body?.value.trim() || undefined };
  }

  function refresh() {
    for (const [parameter, input] of inputs) if (parameter.in === "path") filled[parameter.name] = input.value;
    const { url, headers, body: sent } = request();
    const streams = accepts.includes("text/event-stream");
    const words = ["curl", streams && "-N", method !== "GET" && `-X ${method}`, quoted(decodeBraces(url))].filter(Boolean);
    const lines = [words.join(" ")];
    for (const [name, value] of Object.entries(headers)) {
      lines.push(name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H ${quoted(`${name}: ${value}`)}`);
    }
    if (sent) lines.push(`--data ${quoted(sent)}`);
    curl.textContent = lines.join(" \\\n  ");
  }

  async function submit(event) {
    event.preventDefault();
    for (const parameter of needed) {
      const input = inputs.get(parameter);
      const isMissing = !input.value;
      input.setAttribute("aria-invalid", isMissing);
      if (isMissing) return input.focus();
    }
    const stop = new AbortController();
    const stopping = h("button", { type: "button", click: () => stop.abort() }, "Stop");
    const status = h("p", { role: "status" }, "Sending…");
    const text = h("pre", { tabindex: "0", "aria-label": "Answer" });
    answer.replaceChildren(status);
    send.disabled = true;
    try {
      await receive(status, text, stop.signal);
    } catch (error) {
      const wasStopped = error.name === "AbortError";
      status.append(h("span", { class: wasStopped ? "quiet" : "bad" }, wasStopped ? " Stopped." : ` No answer: ${error.message}`));
    } finally {
      stopping.remove();
      send.disabled = false;
    }

    async function receive(status, text, signal) {
      const began = performance.now();
      const { url, ...options } = request();
      status.after(stopping);
      const response = await fetch(url, { method, signal, cache: "no-store", ...options });
      const took = Math.round(performance.now() - began);
      const code = h("span", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`);
      status.replaceChildren(code, ` in ${took} ms`);
      const type = response.headers.get("content-type") ?? "";
      const next = response.headers.get("grpc-metadata-next-page-token");
      if (next) status.after(h("p", {}, "Next page token: ", h("code", {}, next)));
      answer.append(text);
      if (!response.body) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) text.textContent += part.value;
      if (/^application\/json/.test(type)) text.textContent = JSON.stringify(JSON.parse(text.textContent), null, 2);
      if (!text.textContent) text.remove();
    }
  }
}

function pairs({ name, schema }, value) {
  if (schema.type === "array") return value.split(",").map((one) => [name, one.trim()]);
  if (schema.type !== "object") return [[name, value]];
  return value.split(",").map((one) => one.trim().split(/=(.*)/s)).map(([key, held = ""]) => [`${name}[${key}]`, held]);
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const decodeBraces = (url) => url.replaceAll("%7B", "{").replaceAll("%7D", "}");

async function copied(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // Plain http on another host has no clipboard.
    const area = document.body.appendChild(h("textarea", {}, text));
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 1500);
}
