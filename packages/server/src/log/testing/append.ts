import assert from "node:assert/strict";
import { test } from "node:test";
import { newEvent, newEvents, type TestStore } from "./fixtures.ts";

export function testAppend(make: () => Promise<TestStore>): void {
  test("append() answers in the order given, with rising positions", async () => {
    await using store = await make();
    await using log = await store.open();
    const answers = await log.append(newEvents(3));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["accepted", "accepted", "accepted"],
    );
    const [a, b, c] = answers.map(({ position }) => position);
    assert.ok(a! >= 1 && a! < b! && b! < c!);
  });

  test("append() of nothing answers with nothing", async () => {
    await using store = await make();
    await using log = await store.open();
    assert.deepEqual(await log.append([]), []);
  });

  test("append() keeps every attribute, the meta and the very bytes", async () => {
    await using store = await make();
    const input = newEvent({
      id: "ä/1",
      source: "urn:é",
      subject: "käse 🧀",
      depth: 3,
      target: "fn",
      extensions: { flag: true, level: 7, partitionkey: "p" },
    });
    {
      await using log = await store.open();
      await log.append([input]);
    }
    await using log = await store.open();
    const found = await log.find("ä/1");
    const { json, ...attributes } = input.event;
    assert.deepEqual({ ...found!.event, json: undefined }, { ...attributes, json: undefined });
    assert.deepEqual(Buffer.from(found!.event.json), Buffer.from(json));
    assert.deepEqual(found!.meta, input.meta);
    assert.ok(Object.isFrozen(found!.event));
  });

  test("append() of a known identity is a duplicate with the first position, after a restart too", async () => {
    await using store = await make();
    const input = newEvent();
    let first;
    {
      await using log = await store.open();
      first = (await log.append([input]))[0]!;
      assert.deepEqual(await log.append([input]), [
        { status: "duplicate", position: first.position },
      ]);
    }
    await using log = await store.open();
    assert.deepEqual(await log.append([input]), [
      { status: "duplicate", position: first.position },
    ]);
    assert.equal((await log.status()).events, 1);
  });

  test("append() of two equal events in one call keeps the first", async () => {
    await using store = await make();
    await using log = await store.open();
    const input = newEvent();
    const [a, b, c] = await log.append([input, newEvent(), input]);
    assert.equal(a!.status, "accepted");
    assert.equal(b!.status, "accepted");
    assert.deepEqual(c, { status: "duplicate", position: a!.position });
  });

  test("append() of one identity from many callers at once accepts exactly one", async () => {
    await using store = await make();
    await using log = await store.open();
    const input = newEvent();
    const answers = (
      await Promise.all(Array.from({ length: 50 }, () => log.append([input])))
    ).flat();
    assert.equal(answers.filter(({ status }) => status === "accepted").length, 1);
    assert.equal(new Set(answers.map(({ position }) => position)).size, 1);
  });

  test("append() takes the same id from another source as another event", async () => {
    await using store = await make();
    await using log = await store.open();
    const [a] = await log.append([newEvent({ id: "x", source: "/a" })]);
    const [b] = await log.append([newEvent({ id: "x", source: "/b" })]);
    assert.equal(b!.status, "accepted");
    assert.equal((await log.find("x", "/a"))!.position, a!.position);
    assert.equal((await log.find("x"))!.position, b!.position);
  });

  test("append() tells apart pairs of id and source that read the same side by side", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ id: "ab", source: "c" })]);
    const [answer] = await log.append([newEvent({ id: "a", source: "bc" })]);
    assert.equal(answer!.status, "accepted");
    assert.equal((await log.find("a"))!.event.source, "bc");
  });

  test("append() takes ids, sources and types of any length", async () => {
    await using store = await make();
    await using log = await store.open();
    const long = "x".repeat(20_000);
    const [a] = await log.append([newEvent({ id: long, source: long, type: `${long}1` })]);
    const [b] = await log.append([newEvent({ id: `${long}y`, source: long, type: `${long}2` })]);
    assert.equal(b!.status, "accepted");
    assert.equal((await log.find(long))!.position, a!.position);
    assert.equal((await log.find(`${long}y`, long))!.position, b!.position);
    const page = await log.list({ type: `${long}2`, source: long }, { limit: 10 });
    assert.deepEqual(
      page.items.map(({ position }) => position),
      [b!.position],
    );
  });

  test("append() of 5,000 events in one call keeps them all", async () => {
    await using store = await make();
    await using log = await store.open();
    const answers = await log.append(newEvents(5000));
    assert.equal(new Set(answers.map(({ position }) => position)).size, 5000);
    assert.equal((await log.status()).events, 5000);
    assert.equal((await log.status()).tail, answers.at(-1)!.position);
  });

  test("find() of an unknown id is undefined", async () => {
    await using store = await make();
    await using log = await store.open();
    await log.append([newEvent({ id: "abc" })]);
    for (const id of ["", "ab", "abcd", "x\0y"]) assert.equal(await log.find(id), undefined);
    assert.equal(await log.find("abc", "/elsewhere"), undefined);
  });

  test("positions go on after a restart, even where every event was removed", async () => {
    await using store = await make();
    let last;
    {
      await using log = await store.open();
      last = (await log.append(newEvents(5))).at(-1)!.position;
      await log.trim({ events: { maxBytes: 0 }, invocations: {} });
      assert.equal((await log.status()).events, 0);
    }
    await using log = await store.open();
    const [next] = await log.append([newEvent()]);
    assert.ok(next!.position > last);
  });

  test("a closed log refuses with LOG_UNAVAILABLE, and closes twice", async () => {
    await using store = await make();
    const log = await store.open();
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await assert.rejects(log.append([newEvent()]), { code: "LOG_UNAVAILABLE" });
    await assert.rejects(log.find("x"), { code: "LOG_UNAVAILABLE" });
  });

  test("a log that closes keeps what was on its way", async () => {
    await using store = await make();
    const log = await store.open();
    const appended = log.append(newEvents(10));
    await log[Symbol.asyncDispose]();
    assert.equal((await appended).length, 10);
    await using again = await store.open();
    assert.equal((await again.status()).events, 10);
  });
}
