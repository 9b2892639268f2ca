// SPDX-License-Identifier: Apache-2.0
// The rules that every file of the tree keeps. Each is a function from a file to what is wrong with it, so that
// the rules themselves are tested against files that break them before they are asked about the tree.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..', '..'));
const LINES_MAX = 600;
const SPDX = 'SPDX-License-Identifier: Apache-2.0';

// What files of a folder may include: their own layer and those below it.
const LAYERS = { engine: ['engine'], ingest: ['engine', 'ingest'], http: ['engine', 'ingest', 'http'] };

const isC = (path) => /\.[ch]$/.test(path);
const isSource = (path) => /(\.(c|h|mjs|sh)|CMakeLists\.txt)$/.test(path) || path === 'run' || path === '.ci/run';
const isPage = (path) => path.endsWith('.md');

function spdx(path, text) {
    if (!isSource(path)) return [];
    const lines = text.split('\n');
    const first = lines[0].startsWith('#!') ? lines[1] : lines[0];
    return /^(\/\/|#) /.test(first ?? '') && first.endsWith(SPDX) ? [] : ['its first line is not the SPDX line'];
}

function preamble(path, text) {
    if (!isC(path)) return [];
    return text.split('\n')[1]?.startsWith('// ') ? [] : ['no preamble follows the SPDX line'];
}

function layers(path, text) {
    const layer = path.split('/')[0];
    if (!isC(path) || !LAYERS[layer]) return [];
    return [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)]
        .filter(([, name]) => !LAYERS[layer].includes(name.split('/')[0]))
        .map(([, name]) => `includes ${name}, which ${layer}/ must not know`);
}

function length(path, text) {
    const lines = text.split('\n').length - 1;
    return isSource(path) && lines > LINES_MAX ? [`has ${lines} lines; ${LINES_MAX} are two concepts`] : [];
}

function tabs(path, text) {
    return (isSource(path) || isPage(path)) && text.includes('\t') ? ['has a tab'] : [];
}

function marks(path, text) {
    if (!isSource(path) && !isPage(path)) return [];
    const words = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'];
    const found = text.match(new RegExp(`(?<![A-Za-z_])(${words.join('|')})(?![A-Za-z_])`));
    return found ? [`says ${found[0]}`] : [];
}

// Where the relative links of a page lead. Code is no link.
function links(path, text, exists = (target) => existsSync(join(root, target))) {
    if (!isPage(path)) return [];
    const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '').replace(/^ {4}.*$/gm, '');
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target.replace(/#.*$/, ''))
        .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
        .filter((target) => !exists(join(dirname(path), target)))
        .map((target) => `links to ${target}, which does not exist`);
}

// Paths of the tree that a page names as code: they are links for who reads in an editor. (bench/README.md also
// names what a run makes.)
function names(path, text, exists = (target) => existsSync(join(root, target))) {
    if (!isPage(path) || path.startsWith('bench/')) return [];
    return [...text.matchAll(/`((?:engine|ingest|http|tests|bench|docs)\/[A-Za-z0-9_./-]+)`/g)]
        .filter(([, target]) => !exists(target))
        .map(([, target]) => `names ${target}, which does not exist`);
}

// The first circle of headers; null when there is none.
function circle(files) {
    const arrows = new Map(files.map(([path, text]) =>
        [path, [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map(([, name]) => name)]));
    const done = new Set();
    const visit = (at, way) => {
        if (way.includes(at)) return way.slice(way.indexOf(at)).concat(at);
        if (done.has(at)) return null;
        for (const next of arrows.get(at) ?? []) {
            const found = visit(next, way.concat(at));
            if (found) return found;
        }
        done.add(at);
        return null;
    };
    for (const from of arrows.keys()) {
        const found = visit(from, []);
        if (found) return found;
    }
    return null;
}

function* walk(folder) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (['node_modules', '.git', 'build', 'corpus'].includes(entry.name)) continue;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) yield* walk(path);
        else if (entry.isFile()) yield relative(root, path);
    }
}

const tree = ['engine', 'ingest', 'http', 'tests', 'bench', 'docs']
    .flatMap((folder) => [...walk(join(root, folder))])
    .concat(['README.md', 'CMakeLists.txt', 'run', '.ci/run'])
    .filter((path) => isSource(path) || isPage(path));

function holds(rule) {
    const wrong = tree.flatMap((path) =>
        rule(path, readFileSync(join(root, path), 'utf8')).map((what) => `${path}: ${what}`));
    assert.deepEqual(wrong, []);
}

const head = `// ${SPDX}\n// What.\n`;
const nowhere = () => false;
const broken = [
    [spdx, 'engine/a.c', '// What.\n'],
    [spdx, 'bench/a.sh', '#!/bin/sh\necho\n'],
    [preamble, 'engine/a.h', `// ${SPDX}\n#ifndef A\n`],
    [layers, 'engine/a.c', `${head}#include "ingest/load.h"\n`],
    [layers, 'engine/a.c', `${head}# include "http/app/app.h"\n`],
    [layers, 'ingest/a.h', `${head}#include "http/app/app.h"\n`],
    [layers, 'http/a.c', `${head}#include "tests/support/seed.h"\n`],
    [length, 'http/a.c', head + '\n'.repeat(LINES_MAX)],
    [tabs, 'http/a.c', `${head}\tint a;\n`],
    [marks, 'http/a.c', `${head}// ${'TO' + 'DO'}: more\n`],
    [marks, 'docs/A.md', `${'FIX' + 'ME'}\n`],
    [links, 'docs/A.md', 'see [b](B.md#top)\n'],
    [names, 'docs/A.md', 'see `engine/a.h`\n'],
];
const fine = [
    [spdx, 'bench/a.sh', `#!/bin/sh\n# ${SPDX}\n`],
    [layers, 'ingest/a.c', `${head}#include "engine/db.h"\n#include "ingest/load.h"\n#include <stdio.h>\n`],
    [marks, 'http/a.c', `${head}"/tmp/daybook-${'X'.repeat(6)}"\n`],
    [links, 'docs/A.md', 'see [b](https://example.org/) and [c](#c)\n\n    [d](d)\n'],
];

test('the rules find what breaks them', () => {
    for (const [rule, path, text] of broken)
        assert.equal(rule(path, text, nowhere).length, 1, `${rule.name} of ${path}: ${text.slice(-40)}`);
    for (const [rule, path, text] of fine) assert.deepEqual(rule(path, text, nowhere), [], rule.name);
});

test('a circle is found, and only a circle', () => {
    const line = [['a.h', '#include "b.h"\n#include "c.h"\n'], ['b.h', '#include "c.h"\n']];
    assert.equal(circle([...line, ['c.h', '']]), null);
    assert.deepEqual(circle([...line, ['c.h', '#include "a.h"\n']]), ['a.h', 'b.h', 'c.h', 'a.h']);
});

test('the tree is found', () => {
    for (const path of ['engine/db.h', 'http/cli/main.c', 'tests/http/tidy.test.mjs', 'docs/FORMAT.md', 'run'])
        assert.ok(tree.includes(path), path);
    assert.ok(tree.length > 300);
    assert.ok(tree.some((path) => extname(path) === '.sh'));
});

test('every source file begins with the SPDX line', () => holds(spdx));
test('every C file says what it is and why', () => holds(preamble));
test('includes point down: http, ingest, engine', () => holds(layers));
test('no file is two concepts long', () => holds(length));
test('there are no tabs', () => holds(tabs));
test('nothing is marked as unfinished', () => holds(marks));
test('every relative link of a page leads somewhere', () => holds(links));
test('every path that a page names exists', () => holds(names));
test('no header needs one that needs it', () => {
    const files = tree.filter((path) => path.endsWith('.h')).map((path) => [path, readFileSync(join(root, path), 'utf8')]);
    assert.equal(circle(files)?.join(' → '), undefined);
});
