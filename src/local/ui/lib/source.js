// SPDX-License-Identifier: Apache-2.0
// Links of stack frames to the editor, for files below --source-root.
import { useEffect, useState } from './html.js';
import { get } from './api.js';

const asked = new Map(); // path → promise of its file
let isOff = false; // no --source-root: nothing more to ask

function ask(path) {
  if (isOff) return Promise.resolve(null);
  if (!asked.has(path))
    asked.set(path, get('/api/source', { path }).then(a => {
      isOff = a.root === null;
      return a.file;
    }, () => null));
  return asked.get(path);
}

// The address that opens the frame in the editor; null if it is not ours.
export function useEditorLink({ path, line }) {
  const [file, setFile] = useState(null);
  useEffect(() => {
    let on = true;
    setFile(null);
    ask(path).then(f => on && setFile(f));
    return () => { on = false; };
  }, [path]);
  return file && 'vscode://file' + file.split('/').map(encodeURIComponent)
    .join('/') + (line == null ? '' : ':' + encodeURIComponent(line));
}
