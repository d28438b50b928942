import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PlotRequest } from '../../src/plot/plot-request.js';
import { plotResults } from '../../src/plot/plot-results.js';
import { plotFormatOf, renderPlot } from '../../src/plot/render.js';
import type { VegaLiteSpec } from '../../src/plot/vega-lite-spec.js';
import { recordOf } from '../support/records.js';
import { resultsOfRuns, SERIES, SWEEP } from './sweep.js';

const specOf = async (request: PlotRequest, records: readonly object[] = SWEEP): Promise<VegaLiteSpec> =>
  (await plotResults(await resultsOfRuns(records, SERIES), request)).spec;

const REQUESTS: readonly PlotRequest[] = [
  { kind: 'line', x: 'lr', y: 'loss', group: 'opt', logX: true, logY: true },
  { kind: 'line', x: 'lr', y: 'loss', facet: 'opt' },
  { kind: 'scatter', x: 'lr', y: 'loss', group: 'opt' },
  { kind: 'bar', x: 'lr', y: 'loss', group: 'opt', logY: true },
  { kind: 'hist', x: 'loss', group: 'opt', logY: true },
  { kind: 'curve', y: 'train_loss', group: 'opt' },
  { kind: 'heat', x: 'lr', y: 'opt', value: 'loss' },
];

/** The pixels of a PNG of 8-bit RGBA that is not interlaced. */
function decodePng(png: Buffer): {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
} {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  expect([...png.subarray(24, 29)]).toEqual([8, 6, 0, 0, 0]);
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * 4;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const left = x < 4 ? 0 : pixels[y * stride + x - 4]!;
      const up = y === 0 ? 0 : pixels[(y - 1) * stride + x]!;
      const corner = x < 4 || y === 0 ? 0 : pixels[(y - 1) * stride + x - 4]!;
      const predicted = predict(filter, left, up, corner);
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x]! + predicted;
    }
  }
  return { width, height, pixels };
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  return filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** How many pixels are not nearly white. */
function darkPixels(png: Buffer): number {
  const { pixels } = decodePng(png);
  let dark = 0;
  for (let at = 0; at < pixels.length; at += 4)
    if (pixels[at]! < 200 || pixels[at + 1]! < 200 || pixels[at + 2]! < 200) dark++;
  return dark;
}

describe('a rendered chart', () => {
  it.each(REQUESTS)('names its axes and groups, and has marks: %j', async (request) => {
    const svg = String(await renderPlot(await specOf(request), 'svg'));
    expect(svg).toMatch(/^<svg/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const titles = request.kind === 'curve' ? ['step', 'train_loss'] : [request.x!];
    for (const text of [...titles, ...(request.group || request.facet ? ['opt', 'adam', 'sgd'] : [])])
      expect(svg).toContain(text);
    expect(svg).toMatch(/class="mark-(symbol|rect|line|rule)[^>]*marks/);
  });

  it('is a PNG, whose text is there on a machine without fonts', async () => {
    const spec = await specOf(REQUESTS[0]!);
    const png = Buffer.from((await renderPlot(spec, 'png')) as Uint8Array);
    expect(png.subarray(0, 8)).toEqual(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
    const silent = { ...spec, title: '' };
    const wordless = Buffer.from((await renderPlot(silent, 'png')) as Uint8Array);
    expect(darkPixels(wordless)).toBeGreaterThan(1000);
    // The letters of `pi_mc:0.1` in bold, at twice the size.
    expect(darkPixels(png) - darkPixels(wordless)).toBeGreaterThan(300);
  });

  it('is a PDF of one page, with its font', async () => {
    const pdf = Buffer.from((await renderPlot(await specOf(REQUESTS[0]!), 'pdf')) as Uint8Array).toString(
      'latin1',
    );
    expect(pdf).toMatch(/^%PDF-1\./);
    expect(pdf).toContain('/Count 1');
    expect(pdf).toMatch(/\/BaseFont \/\w+\+DejaVuSans/);
    expect(pdf.trimEnd()).toMatch(/%%EOF$/);
  });

  it('is an HTML page with the picture and the spec, that loads nothing', async () => {
    const spec = { ...(await specOf(REQUESTS[0]!)), title: '</script><b>&' };
    const html = String(await renderPlot(spec, 'html'));
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<(script|link|img)[^>]*(src|href)=/);
    expect(html).not.toContain('<b>');
    const [, json] = /<script type="application\/json" id="vega-lite-spec">(.*)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(json!)).toEqual(spec);
  });

  it('of values and names with control characters is drawn, and keeps them apart', async () => {
    const name = 'loss\x01\x9b';
    const records = ['a\x01', 'a\x02', 'a\x9b'].map((model, index) =>
      recordOf({ index, params: { lr: 1, model }, metrics: { [name]: index } }),
    );
    const spec = await specOf({ x: 'lr', y: name, group: 'model', kind: 'line' }, records);
    const svg = String(await renderPlot(spec, 'svg'));
    expect(svg).not.toMatch(/[^\P{Cc}\n]/u);
    for (const label of ['"a\\u0001"', '"a\\u0002"', '"a\\u009b"']) expect(svg).toContain(label);
    expect((await renderPlot(spec, 'png')).length).toBeGreaterThan(1000);
  });

  it.each([
    { kind: 'heat', x: 'lr', y: 'opt', value: 'loss' },
    { kind: 'bar', x: 'lr', y: 'loss' },
  ] as const)('names a value of x of which no run is finite: %j', async (request) => {
    const records = SWEEP.map((record) =>
      record.params.lr === 0.1 ? { ...record, metrics: { loss: Number.NaN } } : record,
    );
    const svg = String(await renderPlot(await specOf(request, records), 'svg'));
    expect(svg).toContain('>0.1<');
  });

  it('of a single run has its mark', async () => {
    for (const request of REQUESTS) {
      const svg = String(await renderPlot(await specOf(request, SWEEP.slice(1, 2)), 'svg'));
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});

describe('the format', () => {
  it('is the extension’s', () => {
    expect(['a.svg', 'b.c.PNG', './x/p.pdf', 'i.html'].map((file) => plotFormatOf(file))).toEqual([
      'svg',
      'png',
      'pdf',
      'html',
    ]);
  });

  it.each(['loss.jpg', 'loss', 'a.svg/loss'])('of %s is refused, and the four are named', (file) => {
    expect(() => plotFormatOf(file)).toThrow(/\.svg, \.png, \.pdf, \.html/);
  });
});
