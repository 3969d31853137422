// Asks Casbin for Node questions in bulk. Knows nothing of Fieldward: a model, a policy and a file
// of questions are all that it is told.
//
// Standard input names three files a line, apart by tabs: model, policy, questions. A question is a
// line of a CSV. For each line of input one line is printed: 1 or 0 for each question, in order.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The build for `require`: that for `import` is the same source made for older engines, and takes
// half as long again for a question.
const { newEnforcer } = createRequire(import.meta.url)("casbin");

const lines = (path) => readFileSync(path, "utf8").split("\n").slice(0, -1);

for (const job of lines(0)) {
  const [model, policy, questions] = job.split("\t");
  const enforcer = await newEnforcer(model, policy); // with its own reader of files
  const asked = lines(questions).map((line) => enforcer.enforceSync(...line.split(",")));
  process.stdout.write(`${asked.map((yes) => (yes === true ? "1" : "0")).join("")}\n`);
}
