import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nexus, temporaryFolder } from "../testing/nexus.ts";

const TIMEOUT = { timeout: 60_000 };

test(
  "nexus new makes each template with the name filled in and says what to do next",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    for (const template of ["assemblyscript", "rust", "c"]) {
      const name = `my-${template}`;
      const { code, stdout, stderr } = await nexus(["new", name, "--template", template], {
        cwd: folder.path,
      });
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^Made ${name} in ${name} \\(`));
      assert.match(stdout, new RegExp(`\n  cd ${name}\n`));
      const files = await readdir(join(folder.path, name), {
        recursive: true,
        withFileTypes: true,
      });
      const names = files.filter((file) => file.isFile()).map((file) => file.name);
      for (const wanted of [
        "nexus.yaml",
        "nexus.schema.json",
        ".gitignore",
        "package.json",
        "hello.json",
        "hello.fixture.json",
      ]) {
        assert.ok(names.includes(wanted), `${wanted} is in ${names.join(" ")}`);
      }
      for (const file of files.filter((one) => one.isFile())) {
        const text = await readFile(join(file.parentPath, file.name), "utf8");
        assert.doesNotMatch(text, /\{\{name\}\}/, file.name);
      }
      const yaml = await readFile(join(folder.path, name, "nexus.yaml"), "utf8");
      assert.match(yaml, new RegExp(`name: "?${name}"?\n`));
      const types = yaml.match(/com\.example\.[\w.]+/)!;
      assert.ok(
        stdout.includes(`nexus publish ${types[0]} `),
        "the event it says to publish is one it takes",
      );
    }
  },
);

test("nexus new in a pipe takes AssemblyScript", TIMEOUT, async () => {
  await using folder = await temporaryFolder();
  const { stdout } = await nexus(["new", "deep/er/app"], { cwd: folder.path });
  assert.match(stdout, /^Made app in deep\/er\/app \(AssemblyScript\)/);
});

test(
  "nexus new leaves a folder alone that is not empty, and refuses what is no name",
  TIMEOUT,
  async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "used"));
    await writeFile(join(folder.path, "used", "mine"), "");
    const used = await nexus(["new", "used"], { cwd: folder.path });
    assert.equal(used.code, 1);
    assert.match(used.stderr, /^nexus: cannot make a project in "used": the folder is not empty\n/);
    assert.deepEqual(await readdir(join(folder.path, "used")), ["mine"]);

    const bad = await nexus(["new", "My_App"], { cwd: folder.path });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /"My_App": it is not a function name.*\(try "my-app"\)/);
    const template = await nexus(["new", "x", "--template", "cobol"], { cwd: folder.path });
    assert.equal(template.code, 2);
    assert.match(template.stderr, /"cobol" is none of assemblyscript, rust, c\n/);
    assert.deepEqual(await readdir(folder.path), ["used"]);
  },
);
