// Audits a GraphQL endpoint with npm's `graphql-http`: node audit.mjs FOLDER URL KEY, where FOLDER holds node_modules.
// Prints the audits as JSON: [{id, name, status, reason}, …]; `status` is ok, notice, warn or error.

import { createRequire } from "node:module";

const [folder, url, key] = process.argv.slice(2);
const { auditServer } = createRequire(`${folder}/`)("graphql-http");

const fetchWithKey = (address, options = {}) => {
  const headers = new Headers(options.headers);
  headers.set("Authorization", `Bearer ${key}`);
  return fetch(address, { ...options, headers });
};

const audits = await auditServer({ url, fetchFn: fetchWithKey });
console.log(JSON.stringify(audits.map(({ id, name, status, reason = null }) => ({ id, name, status, reason }))));
