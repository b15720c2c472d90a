import assert from "node:assert/strict";
import { test } from "node:test";
import { NexusError } from "../core/errors.ts";
import { Router } from "./router.ts";

function router(...routes: readonly string[]): Router<string> {
  const made = new Router<string>();
  for (const route of routes) {
    const [method, path] = route.split(" ") as [string, string];
    made.add(method, path, route);
  }
  return made;
}

test("find() prefers literal segments to parameters, and parameters to the rest", () => {
  const routes = router("GET /a/b", "GET /a/:x", "GET /a/*", "GET /:x/b/c", "* /any");
  const find = (path: string) => {
    const { value, params } = routes.find("GET", path);
    return [value, { ...params }];
  };
  assert.deepEqual(find("/a/b"), ["GET /a/b", {}]);
  assert.deepEqual(find("/a/c"), ["GET /a/:x", { x: "c" }]);
  assert.deepEqual(find("/a/c/d"), ["GET /a/*", { "*": "c/d" }]);
  assert.deepEqual(find("/a/"), ["GET /a/*", { "*": "" }]);
  assert.deepEqual(find("/z/b/c"), ["GET /:x/b/c", { x: "z" }]);
  assert.deepEqual(find("/any"), ["* /any", {}]);
});

test("find() goes on to a path that takes the method, when a nearer one does not", () => {
  const routes = router("GET /users/me", "POST /users/:id");
  assert.equal(routes.find("POST", "/users/me").value, "POST /users/:id");
  assert.equal(routes.find("HEAD", "/users/me").value, "GET /users/me");
});

test("find() decodes each segment by itself", () => {
  const routes = router("GET /:a/:b");
  assert.deepEqual({ ...routes.find("GET", "/x%2Fy/%E2%82%AC").params }, { a: "x/y", b: "€" });
});

test("find() says what is wrong: no such path, another method, no percent-encoding", () => {
  const routes = router("GET /a", "POST /a", "PUT /:x");
  const refused = (method: string, path: string) => {
    try {
      routes.find(method, path);
    } catch (error) {
      if (!(error instanceof NexusError)) throw error;
      return [error.code, (error.details["headers"] as { allow?: string } | undefined)?.allow];
    }
    return assert.fail("found");
  };
  assert.deepEqual(refused("GET", "/a/b"), ["ROUTE_NOT_FOUND", undefined]);
  assert.deepEqual(refused("GET", "/"), ["ROUTE_NOT_FOUND", undefined]);
  assert.deepEqual(refused("DELETE", "/a"), ["METHOD_NOT_ALLOWED", "GET, HEAD, POST, PUT"]);
  assert.deepEqual(refused("GET", "/%"), ["REQUEST_INVALID", undefined]);
});
