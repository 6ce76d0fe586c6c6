import http from 'node:http';
import https from 'node:https';
import { draw } from './draw';
import { HELP } from './help';
import type { Section } from './html/page';
import { wholePeriod } from './layout';
import { type Options, parseOptions, UsageError } from './options';
import { checkOutput, writePage } from './output';
import { request, type Traced } from './request';
import { SCENES, type Scene } from './scenes';
import { shutdown } from './sdk';
import { openStage } from './stage';
import { styleFor } from './terminal';
import { complain, cut, oneLine } from './text';

/** Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
    if (options.html !== undefined && !options.help) checkOutput(options.html);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`${error.message} (try --help)`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const sections: Section[] = [];
    const well = options.urls.length > 0 ? await traceUrls(options, sections) : await playScenes(sections);
    return (options.html === undefined || written(options.html, sections)) && well ? 0 : 1;
  } finally {
    await shutdown();
  }
}

function written(file: string, sections: readonly Section[]): boolean {
  try {
    writePage(file, sections);
    print([`Written to ${oneLine(file)}`]);
    return true;
  } catch (error) {
    complain((error as Error).message);
    return false;
  }
}

/** Returns whether every scene ended as it should. */
async function playScenes(sections: Section[]): Promise<boolean> {
  const stage = await openStage();
  let asExpected = true;
  try {
    for (const [i, scene] of SCENES.entries()) {
      announce(i + 1, scene);
      const traced = await scene.play(stage);
      const whole = wholePeriod(traced.flatMap(({ spans }) => spans));
      for (const { spans } of traced) show(spans, whole);
      const { title, note } = scene;
      sections.push({ title, note, requests: traced.map(({ spans }) => spans), together: traced.length > 1 });
      if (traced.every(({ error }) => (error !== undefined) === (scene.fails ?? false))) continue;
      complain(`scene ${i + 1} did not end as it should`);
      asExpected = false;
    }
  } finally {
    await stage.close();
  }
  return asExpected;
}

/** Returns whether every request was answered. */
async function traceUrls({ urls, repeat, limit }: Options, sections: Section[]): Promise<boolean> {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  let answered = true;
  for (const url of urls) {
    const agent = agents[url.protocol as keyof typeof agents];
    for (let i = 0; i < repeat; i++) {
      const { spans, error } = await request(url, { agent, limit });
      show(spans);
      sections.push({ title: repeat > 1 ? `${url.host}, request ${i + 1}` : url.host, requests: [spans] });
      if (error !== undefined) answered = false;
    }
  }
  for (const agent of Object.values(agents)) agent.destroy();
  return answered;
}

function announce(number: number, { title, note }: Scene): void {
  const { width, colors } = styleFor(process.stdout, process.env);
  print([colors.bold(cut(`── ${number}. ${title} `.padEnd(width, '─'), width)), cut(note, width), '']);
}

function show(spans: Traced['spans'], whole = wholePeriod(spans)): void {
  print([...draw(spans, styleFor(process.stdout, process.env), whole), '']);
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line.trimEnd()}\n`).join(''));
}
