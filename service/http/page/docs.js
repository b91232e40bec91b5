// The routes, from /openapi.json, as text.

const TOKEN = "perceptron.token";

function make(name, text, ...children) {
  const element = document.createElement(name);
  element.append(...(text ? [text] : []), ...children);
  return element;
}

function described(term, text, schema) {
  const shown = schema && Object.keys(schema).length ? [make("pre", JSON.stringify(schema, null, 2))] : [];
  return [make("dt", term), make("dd", text, ...shown)];
}

function schemaOf({ content = {} }) {
  return Object.values(content)[0]?.schema;
}

function route(path, method, { description = "", parameters = [], requestBody, responses }) {
  const details = make("dl");
  for (const { name, in: where, description: meaning = "", schema } of parameters) {
    details.append(...described(`${name} (${where})`, meaning, schema));
  }
  if (requestBody) details.append(...described("body (application/json)", "", schemaOf(requestBody)));
  for (const [status, answer] of Object.entries(responses)) {
    details.append(...described(status, answer.description, schemaOf(answer)));
  }
  const summary = make("summary", "", make("b", method.toUpperCase()), make("code", path), make("span", description));
  return make("details", "", summary, details);
}

function show({ info, paths }) {
  document.querySelector("#about").textContent = info.description;
  const groups = new Map();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const group = operation.tags?.[0] ?? "";
      groups.set(group, [...(groups.get(group) ?? []), route(path, method, operation)]);
    }
  }
  for (const [group, routes] of groups) document.querySelector("#routes").append(make("h2", group), ...routes);
}

const token = sessionStorage.getItem(TOKEN);
const answer = await fetch("/openapi.json", { headers: token ? { authorization: `Bearer ${token}` } : {} });
if (answer.ok) show(await answer.json());
else document.querySelector("#about").textContent = `${(await answer.json()).message} (enter it on the dashboard).`;
