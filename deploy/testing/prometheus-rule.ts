const HEAD = `# Made from prometheus/rules.yaml by \`npm run generate:monitoring\`: do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: nexus-functions
  namespace: nexus
  labels:
    app.kubernetes.io/name: nexus-functions
    app.kubernetes.io/part-of: nexus-functions
spec:
`;

/** The object of prometheus-operator that has the rules of a plain rules file. */
export function prometheusRule(rules: string): string {
  const groups = rules.slice(rules.indexOf("groups:\n"));
  return HEAD + groups.replaceAll(/^(?=.)/gm, "  ");
}
