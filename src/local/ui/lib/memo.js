// SPDX-License-Identifier: Apache-2.0
// Skips drawing a component whose properties are the same objects as before;
// the whole of preact/compat would be six times as much for this.
import { Component, h } from 'preact';

export function memo(draw) {
  return class extends Component {
    shouldComponentUpdate(next) {
      for (const k in next) if (next[k] !== this.props[k]) return true;
      for (const k in this.props) if (!(k in next)) return true;
      return false;
    }
    render(props) {
      return h(Fresh, { draw, props });
    }
  };
}

// Hooks need a component of their own function.
function Fresh({ draw, props }) {
  return draw(props);
}
