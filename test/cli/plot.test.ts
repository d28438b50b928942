import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { SERIES, SWEEP, storeOf } from '../plot/sweep.js';
import { lastingFolder, temporaryFolder } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';

let store: FileStore;
const plot = (...args: string[]) => metalab(['plot', 'pi_mc', '--all', ...args, '--store', store.root]);

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await storeOf(SWEEP, SERIES, store);
});

describe('metalab plot', () => {
  it('writes the four formats and the spec, and notes what is left out', async () => {
    const folder = temporaryFolder();
    const beginnings = { svg: '<svg', png: '\x89PNG', pdf: '%PDF', html: '<!doctype' };
    for (const [format, beginning] of Object.entries(beginnings)) {
      const out = join(folder, `loss.${format}`);
      const { code, stdout, stderr } = await plot(
        '--x',
        'lr',
        '--y',
        'loss',
        '--group',
        'opt',
        '--log-x',
        '--out',
        out,
      );
      expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: '' });
      expect(readFileSync(out).toString('latin1').startsWith(beginning)).toBe(true);
      expect(stderr).toContain('1 value of loss that are NaN or infinite left out');
    }
    const { stdout, code } = await plot('--x', 'lr', '--y', 'loss', '--where', 'opt=sgd', '--spec', '-');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
      data: {
        values: [
          { x: 0.001, n: 4 },
          { x: 0.01, n: 4 },
          { x: 0.1, n: 3 },
        ],
      },
    });
    expect(readdirSync(folder).toSorted()).toEqual(['loss.html', 'loss.pdf', 'loss.png', 'loss.svg']);
  });

  it('draws in the terminal without --out, each kind', async () => {
    const line = await plot('--x', 'lr', '--y', 'loss', '--group', 'opt');
    expect(line.stdout).toMatch(
      /loss \(mean, 95 % CI\)\n[\s\S]*│.*○[\s\S]*0\.001 +0\.1\n +lr\nopt: ● adam {3}○ sgd\n$/,
    );
    const bar = await plot('--x', 'opt', '--y', 'solved');
    expect(bar.stdout).toMatch(/adam │█+ 0\.5 \[.*\]\nsgd {2}│█+ 0\.5455 \[/);
    const hist = await plot('--x', 'loss');
    expect(hist.stdout).toMatch(/^runs by loss\n.* – .* │█+ \d+\n/);
    const heat = await plot('--x', 'lr', '--y', 'opt', '--value', 'loss');
    expect(heat.stdout).toContain("mean of loss: ' ' 1.467 to '█' 6.167");
    const curve = await plot('--kind', 'curve', '--y', 'train_loss', '--facet', 'opt');
    expect(curve.stdout).toMatch(/^opt: adam\ntrain_loss[\s\S]*\nopt: sgd\ntrain_loss/);
  });

  it('replaces a file only with --force', async () => {
    const out = join(temporaryFolder(), 'loss.svg');
    writeFileSync(out, 'mine');
    const refused = await plot('--x', 'lr', '--y', 'loss', '--out', out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(out, 'utf8')).toBe('mine');
    expect((await plot('--x', 'lr', '--y', 'loss', '--out', out, '--force')).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^<svg/);
  });

  it.each([
    [['--x', 'lr', '--y', 'los'], /no column 'los'[\s\S]*loss/],
    [['--x', 'lr', '--y', 'note'], /'note' is text[\s\S]*loss/],
    [['--x', 'lr', '--y', 'loss', '--kind', 'pie'], /'pie'[\s\S]*line, scatter, bar, hist, curve, heat/],
    [['--x', 'lr', '--y', 'loss', '--out', 'loss.jpg'], /\.jpg[\s\S]*\.svg, \.png, \.pdf, \.html/],
    [['--x', 'lr', '--y', 'loss', '--out', '/nowhere/loss.svg'], /can't write/],
  ])('%j is a mistake in the command', async (args, message) => {
    const { code, stderr } = await plot(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync('loss.jpg')).toBe(false);
  });
});
