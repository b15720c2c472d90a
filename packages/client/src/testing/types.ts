// TypeScript types from the schemas of an OpenAPI 3.1 document, whose schemas are JSON Schema 2020-12.

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const HEAD = `// Generated from packages/server/openapi.json by \`npm run generate\`. Do not edit.
`;

/** A module with one exported type for each named schema. The same document gives the same text. */
export function apiTypes(document: OpenApiDocument): string {
  const types = Object.entries(document.components.schemas).map(
    ([name, schema]) => `${comment(schema, "")}export type ${name} = ${typeOf(schema, "")};\n`,
  );
  return [HEAD, ...types].join("\n");
}

function typeOf(schema: JsonSchema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)));
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return union(alternatives.map((one) => typeOf(one, indent)));
  if (schema.allOf !== undefined) {
    return schema.allOf.map((one) => typeOf(one, indent)).join(" & ");
  }
  if (Array.isArray(schema.type)) {
    return union(schema.type.map((type: string) => typeOf({ ...schema, type }, indent)));
  }
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "number":
    case "integer":
      return "number";
    case "array":
      return arrayOf(typeOf(schema.items ?? {}, indent));
    case "object":
      return objectType(schema, indent);
    case undefined:
    default:
      return "unknown";
  }
}

function objectType(schema: JsonSchema, indent: string): string {
  const inner = `${indent}  `;
  const members = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const optional = schema.required?.includes(name) === true ? "" : "?";
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    const type = typeOf(property, inner);
    return `${comment(property, inner)}${inner}readonly ${key}${optional}: ${type};\n`;
  });
  const more = schema.additionalProperties;
  if (members.length === 0) {
    return `Readonly<Record<string, ${typeof more === "object" ? typeOf(more, indent) : "unknown"}>>`;
  }
  // A member besides the named ones may be of any type; an index signature has to take those as well.
  if (more !== undefined && more !== false)
    members.push(`${inner}readonly [name: string]: unknown;\n`);
  return `{\n${members.join("")}${indent}}`;
}

function arrayOf(item: string): string {
  return /^[\w$]+$/.test(item) ? `readonly ${item}[]` : `readonly (${item})[]`;
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}

function comment({ description }: JsonSchema, indent: string): string {
  return description === undefined
    ? ""
    : `${indent}/** ${description.replaceAll("*/", "* /")} */\n`;
}
