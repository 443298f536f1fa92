/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 the mlx5x authors
 */

#include <string.h>

#include <yaml.h>

#include "config_line.h"

/* Value of a key in a mapping, NULL if there is none. */
static yaml_node_t *
get_value(yaml_document_t *doc, yaml_node_t *map, const char *key)
{
	yaml_node_pair_t *pair;
	yaml_node_t *node;

	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		node = yaml_document_get_node(doc, pair->key);
		if (node == NULL || node->type != YAML_SCALAR_NODE)
			continue;
		if (strcmp((const char *)node->data.scalar.value, key) == 0)
			return yaml_document_get_node(doc, pair->value);
	}
	return NULL;
}

static unsigned int
find_line(yaml_document_t *doc, unsigned int index, const char *key)
{
	yaml_node_t *entry;
	yaml_node_t *list;
	yaml_node_t *value;

	list = get_value(doc, yaml_document_get_root_node(doc), "ports");
	if (list == NULL || list->type != YAML_SEQUENCE_NODE)
		return 0;
	if (index >= (size_t)(list->data.sequence.items.top - list->data.sequence.items.start))
		return 0;
	entry = yaml_document_get_node(doc, list->data.sequence.items.start[index]);
	value = get_value(doc, entry, key);
	if (value != NULL)
		return value->start_mark.line + 1;
	return entry != NULL ? entry->start_mark.line + 1 : 0;
}

unsigned int
config_line(const char *data, size_t len, unsigned int index, const char *key)
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
