// SPDX-License-Identifier: Apache-2.0
// Synthesizes the stack of docs/LAMBDA.md, which lies beside it as stack.ts.
import { App } from "aws-cdk-lib";
import { TracedStack } from "./stack";

const app = new App({ outdir: process.argv[2], analyticsReporting: false });
new TracedStack(app, "Traced");
app.synth();
