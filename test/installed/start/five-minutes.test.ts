import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project, packed, unreachable } from '../../support/installed';
import { collectOtlp, wireTree } from '../../support/otlp-collector';
import { serve } from '../../support/servers';

// What the README tells a newcomer to do, to the letter, in an empty folder.

const readme = readFileSync(join(__dirname, '../../../../README.md'), 'utf8');
const skip = unreachable() ?? false;

const APPS = {
  'app.js': "require('node:http').get(process.argv[2], (res) => res.resume());\n",
  'app.mjs': "import { get } from 'node:http';\nget(process.argv[2], (res) => res.resume());\n",
};

/** The commands and the files of a section, as they are written there. */
function section(heading: string): { commands: string[]; files: Map<string, string> } {
  const start = readme.indexOf(`\n${heading}\n`);
  const text = readme.slice(start, readme.indexOf('\n#', start + heading.length));
  const blocks = [...text.matchAll(/```(sh|js)\n(.*?)```/gs)];
  return {
    commands: blocks
      .filter(([, kind]) => kind === 'sh')
      .flatMap(([, , code = '']) => code.trim().split('\n')),
    files: new Map(
      blocks
        .filter(([, kind]) => kind === 'js')
        .map(([, , code = '']) => [/^\/\/ (\S+)/.exec(code)?.[1] ?? '', code]),
    ),
  };
}

interface Start {
  readonly node: string;
  readonly heading: string;
  /** The package that tells which generation of OpenTelemetry JS was installed, and its version. */
  readonly sdk: string;
  readonly version: RegExp;
  /** Installed instead of the newest. */
  readonly pinned?: string;
}

const STARTS: Start[] = [
  { node: '20', heading: '## Installation', sdk: 'sdk-node', version: /^0\.2/ },
  { node: '20', heading: '## Installation', sdk: 'sdk-node', version: /^0\.200\.0/, pinned: '0.200.0' },
  { node: '24', heading: '## Installation', sdk: 'sdk-node', version: /^0\.3/ },
  { node: '20', heading: '### Without code', sdk: 'auto-instrumentations-node', version: /^0\.81/ },
  { node: '24', heading: '### Without code', sdk: 'auto-instrumentations-node', version: /^0\.8[2-9]/ },
];

for (const { node, heading, sdk, version, pinned } of STARTS)
  test(`${heading} on Node ${node}${pinned ? `, with ${pinned}` : ''}`, {
    skip,
    timeout: 300_000,
  }, async (t) => {
    const project = new Project(node);
    const [otlp, server] = [await collectOtlp(), await serve((_req, res) => res.end('hello'))];
    t.after(() => Promise.all([project.remove(), otlp.close(), server.close()]));
    const { commands, files } = section(heading);
    for (const [name, code] of [...Object.entries(APPS), ...files])
      writeFileSync(join(project.folder, name), code);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.origin,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_NODE_RESOURCE_DETECTORS: 'none',
    };
    const ran: string[] = [];
    for (const command of commands) {
      const isInstall = command.startsWith('npm install');
      let exact = isInstall ? command.replace('opentelemetry-instrumentation-httptrace', packed()) : command;
      if (pinned !== undefined) exact = exact.replaceAll(/(@opentelemetry\/[\w-]+)(?= )/g, `$1@${pinned}`);
      otlp.spans.length = 0;
      const { code, stderr } = await project.run(isInstall ? exact : `${exact} ${server.origin}/hello`, env);
      assert.equal(code, 0, stderr);
      ran.push(command);
      if (isInstall) continue;
      const shown = otlp.spans.filter(({ scope }) => !/instrumentation-(net|dns)$/.test(scope));
      const request = shown.find(({ kind }) => kind === 3);
      assert.ok(request, `${command}: ${stderr}`);
      assert.equal(
        wireTree(request, shown),
        'GET > { http.getconn > { http.dns, http.connect }, http.wait, http.receive }',
        command,
      );
    }
    assert.equal(ran.filter((command) => command.endsWith('app.js')).length, 1);
    assert.equal(ran.filter((command) => command.endsWith('app.mjs')).length, 1);
    const manifest = join(project.folder, 'node_modules/@opentelemetry', sdk, 'package.json');
    const installed = JSON.parse(readFileSync(manifest, 'utf8')).version;
    assert.match(installed, version);
    t.diagnostic(`@opentelemetry/${sdk} ${installed} on Node ${node}`);
  });
