// Makes kubernetes/prometheus-rule.yaml of prometheus/rules.yaml: `npm run generate:monitoring`.
import { readFileSync, writeFileSync } from "node:fs";
import { inRepository } from "../testing/manifest.ts";
import { prometheusRule } from "../testing/prometheus-rule.ts";

const rules = readFileSync(inRepository("deploy/monitoring/prometheus/rules.yaml"), "utf8");
writeFileSync(
  inRepository("deploy/monitoring/kubernetes/prometheus-rule.yaml"),
  prometheusRule(rules),
);
