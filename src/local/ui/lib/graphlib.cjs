// SPDX-License-Identifier: Apache-2.0
// The parts of graphlib that dagre's layout uses, in place of the whole (its
// shortest paths, cycles and JSON are a twentieth of the page). The build names
// this file for @dagrejs/graphlib.
exports.Graph = require('graphlib-parts/lib/graph.js');
exports.alg = {
  preorder: require('graphlib-parts/lib/alg/preorder.js'),
  postorder: require('graphlib-parts/lib/alg/postorder.js'),
};
