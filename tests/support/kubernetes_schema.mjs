// Kubernetes' own schemas, as the npm packages "kubernetes-models" have them: `node kubernetes_schema.mjs NODE_MODULES` reads a list
// of objects as JSON and prints one problem a line. The schemas let unknown keys pass, as the API server does before it drops them; here a
// key that no schema has looked at is one.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const PACKAGES = ["kubernetes-models", "@kubernetes-models/prometheus-operator"];
const modules = process.argv[2];

async function model({ apiVersion, kind }) {
  for (const name of PACKAGES) {
    const file = `${modules}/${name}/${apiVersion}/${kind}.js`;
    if (existsSync(file)) return (await import(pathToFileURL(file)))[kind];
  }
  return null;
}

// What is read of it is noted in `seen`, by the place.
function watched(value, place, seen) {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const below = `${place}/${String(key)}`;
      seen.add(below);
      return typeof key === "string" && Object.hasOwn(target, key) ? watched(target[key], below, seen) : target[key];
    },
  });
}

function places(value, place = "") {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [`${place}/${key}`, ...places(below, `${place}/${key}`)]);
}

function problems(Model, object) {
  const seen = new Set();
  const found = [];
  try {
    Model.prototype.validate.call(watched(object, "", seen));
  } catch (error) {
    found.push(...(error.errors ?? [{ instancePath: "", message: String(error) }]).map((each) => `${each.instancePath} ${each.message}`));
  }
  const unknown = places(object).filter((place) => !seen.has(place));
  return [...found, ...unknown.map((place) => `${place} is unknown`)];
}

for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const name = `${object.kind} ${object.metadata?.name}`;
  const Model = await model(object);
  for (const each of Model ? problems(Model, object) : [`no schema of ${object.apiVersion}`]) console.log(`${name}: ${each}`);
}
