import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { copyExamples, Project, packed, unreachable } from '../../support/installed';
import type { Ended } from '../../support/program';
import { serve } from '../../support/servers';

/** Runs the example against a local server: two requests, which it makes over one connection. */
export type Run = (env: NodeJS.ProcessEnv) => Promise<Ended>;

const skip = unreachable() ?? false;

/**
 * Installs an example of examples/apm from the registry, with this package as it would be published, on each of some versions of Node, and has `check` run it
 * without its real backend.
 * @param main - the package whose version is to stand in the README
 */
export function apmTest(
  example: string,
  main: string,
  nodes: readonly string[],
  check: (run: Run, t: TestContext) => Promise<void>,
): void {
  for (const node of nodes)
    test(`examples/apm/${example} on Node ${node}`, { skip, timeout: 300_000 }, async (t) => {
      const project = new Project(node);
      t.after(() => project.remove());
      copyExamples('apm', join(project.folder, 'apm'));
      const folder = join(project.folder, 'apm', example);
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      manifest.dependencies['opentelemetry-instrumentation-httptrace'] = `file:${packed()}`;
      writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
      const install = 'npm install --no-audit --no-fund --loglevel=error';
      const installed = await project.run(install, {}, folder);
      assert.equal(installed.code, 0, installed.stderr);
      const { version } = JSON.parse(
        readFileSync(join(folder, 'node_modules', main, 'package.json'), 'utf8'),
      );
      t.diagnostic(`${main} ${version} on Node ${node}`);

      const server = await serve((_req, res) => res.end('hello'));
      t.after(server.close);
      await check(async (env) => {
        const ended = await project.run(`npm start --silent -- ${server.origin}/hello`, env, folder);
        assert.equal(ended.code, 0, ended.stderr);
        assert.equal(server.connections, 1);
        return ended;
      }, t);
    });
}
