/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <string.h>

#include <yaml.h>

#include "config_line.h"

/* The last pair of a mapping with this key, NULL if there is none. */
static yaml_node_pair_t *
find_pair(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
	yaml_node_pair_t *found = NULL;
	yaml_node_pair_t *pair;
	yaml_node_t *node;

	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		node = yaml_document_get_node(doc, pair->key);
		if (node != NULL && node->type == YAML_SCALAR_NODE &&
			strcmp((const char *)node->data.scalar.value, key) == 0)
			found = pair;
	}
	return found;
}

/* Entry `index` of the list `ports`, NULL if there is none. */
static yaml_node_t *
find_entry(yaml_document_t *doc, yaml_node_t *root, unsigned int index)
{
	yaml_node_pair_t *ports = find_pair(doc, root, "ports");
	yaml_node_t *list;

	list = ports != NULL ? yaml_document_get_node(doc, ports->value) : NULL;
	if (list == NULL || list->type != YAML_SEQUENCE_NODE)
		return NULL;
	if (index >= (size_t)(list->data.sequence.items.top - list->data.sequence.items.start))
		return NULL;
	return yaml_document_get_node(doc, list->data.sequence.items.start[index]);
}

static unsigned int
find_line(yaml_document_t *doc, int index, const char *key)
{
	yaml_node_t *node = yaml_document_get_root_node(doc);
	yaml_node_pair_t *pair;

	if (index >= 0)
		node = find_entry(doc, node, index);
	pair = find_pair(doc, node, key);
	if (pair != NULL)
		node = yaml_document_get_node(doc, pair->key);
	return node != NULL ? node->start_mark.line + 1 : 0;
}

unsigned int
config_line(const char *data, size_t len, int index, const char *key)
{
	yaml_document_t doc;
	yaml_parser_t parser;
	unsigned int line = 0;

	if (!yaml_parser_initialize(&parser))
		return 0;
	yaml_parser_set_input_string(&parser, (const unsigned char *)data, len);
	if (yaml_parser_load(&parser, &doc)) {
		line = find_line(&doc, index, key);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return line;
}
