// SPDX-License-Identifier: Apache-2.0
// Copying, and saying so. The clipboard is only there on localhost or HTTPS;
// elsewhere the text is to be copied by hand.
import { html, useState } from './html.js';
import { Icon } from './icons.js';
import { say } from './say.js';

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied', true);
    return true;
  } catch {
    say('Could not copy: select and copy by hand', true);
    return false;
  }
}

export function CopyButton({ text, label = 'Copy', title }) {
  const [state, setState] = useState('');
  const act = async () => {
    setState(await copyText(typeof text === 'function' ? text() : text)
      ? 'Copied' : 'Select and copy by hand');
    setTimeout(() => setState(''), 1500);
  };
  return html`<button type="button" class="bt" aria-label=${title}
      onClick=${act}><${Icon} name="copy"/> ${state || label}</button>`;
}

// Saves a text as a file, by way of the browser's own download.
export function saveAs(name, text) {
  const a = document.createElement('a');
  a.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
