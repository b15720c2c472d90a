import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readableName } from "./demangle.ts";

const NAMES: readonly (readonly [mangled: string, readable: string])[] = [
  ["_start", "_start"],
  ["main", "main"],
  ["~lib/rt/itcms/__collect", "~lib/rt/itcms/__collect"],
  ["_ZN5order8validate17h0123456789abcdefE", "order::validate"],
  ["order::validate::h0123456789abcdef", "order::validate"],
  [
    "_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$u7d$$u7d$$GT$17h0123456789abcdefE",
    "core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>",
  ],
  [
    "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
    "<alloc::string::String as core::fmt::Write>::write_str",
  ],
  ["_ZN3foo3barEi", "foo::bar"],
  ["_ZNK3foo3barEv", "foo::bar"],
  ["_Z6dividei", "divide"],
  ["_ZN3foo3barIiEEvT_", "_ZN3foo3barIiEEvT_"],
  ["_ZSt4cout", "_ZSt4cout"],
  ["_RNvCs1234_7mycrate3foo", "mycrate::foo"],
  ["_RNvNtCs1234_7mycrate3bar3foo", "mycrate::bar::foo"],
  ["_RNCNvCs1234_7mycrate4main0", "mycrate::main::{closure#0}"],
  // As rustc wrote them for a program with these functions.
  ["_RINvCs4YYKAqpqZtm_2v03runNCNvB2_4mains_0EB2_", "v0::run::<v0::main::{closure#1}>"],
  ["_RNvMCs4YYKAqpqZtm_2v0INtB2_5OrderhE5totalB2_", "<v0::Order<u8>>::total"],
  [
    "_RNvXs_Cs4YYKAqpqZtm_2v0INtB4_5OrderINtNtCs247YrygNUAC_4core6option6OptionReEENtB4_5Check5checkB4_",
    "<v0::Order<core::option::Option<&str>> as v0::Check>::check",
  ],
  [
    "_RINvNtNtCs8v1rFTdFJUG_3std10sys_common9backtrace28___rust_begin_short_backtraceFEuuECs4YYKAqpqZtm_2v0",
    "std::sys_common::backtrace::__rust_begin_short_backtrace::<fn(), ()>",
  ],
  ["_RINvCs1234_7mycrate3fooReAmj3_E", "mycrate::foo::<&str, [u32; _]>"],
  ["_RINvCs1234_7mycrate3fooTlhEFbEuE", "mycrate::foo::<(i32, u8), fn(bool)>"],
  ["_R", "_R"],
  ["_RNv", "_RNv"],
  ["_RB_", "_RB_"],
];

for (const [mangled, readable] of NAMES) {
  test(`readableName() makes ${readable} of ${mangled.slice(0, 60)}`, () => {
    assert.equal(readableName(mangled), readable);
  });
}

test("readableName() ends and stays short, whatever the name is", () => {
  const rust = "_R Nv C B_ B0_ I E X M T s_ 3foo F D K A";
  const other = "_ZN 17h0123456789abcdef $LT$ $u7b$ $uffffff$ .. 9999 é ::";
  const piece = fc.constantFrom(...`${rust} ${other}`.split(" "));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), fc.boolean(), (pieces, isRust) => {
      const name = readableName((isRust ? "_R" : "") + pieces.join(""));
      assert.ok(name.length <= 200);
    }),
    { numRuns: 2_000 },
  );
  // Back references that double what they name with every step.
  const doubling = `_RI${"C1a".padEnd(3)}${Array.from({ length: 300 }, () => "TB0_B0_E").join("")}E`;
  assert.ok(readableName(doubling).length <= 200);
});
