/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens in the shop of the sample: mostly what should, and one each of
 * what people look for traces for: a fault three services down, a throttled
 * table, a page that asks once a line, a report that has not ended.
 */
#include <string.h>

#include "demo.h"

#define INSERT "INSERT INTO payments (order_id, amount) VALUES ($1, $2)"
#define STOCK "SELECT sku, amount FROM stock WHERE sku = ANY ($1)"
#define REPORT "SELECT date_trunc($1, at), sum(amount) FROM payments GROUP BY 1"
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct demo_step buy[] = {
    {0, DEMO_SERVICE, "shop", "POST /orders", 0, 412, 201, 0, 0},
    {1, DEMO_WORK, "check basket", "", 2, 9, 200, 0, 0},
    {1, DEMO_CALL, "orders.internal", "POST /orders", 14, 390, 201, 0, 0},
    {2, DEMO_SERVICE, "orders", "POST /orders", 17, 384, 201, 0, 0},
    {3, DEMO_TABLE, "shop-orders", "PutItem", 20, 11, 200, 0, 0},
    {3, DEMO_CALL, "payments.internal", "POST /payments", 36, 320, 200, 0, 0},
    {4, DEMO_SERVICE, "payments", "POST /payments", 39, 314, 200, 0, 0},
    {5, DEMO_QUERY, "payments-db", INSERT, 44, 6, 200, 0, 0},
    {5, DEMO_CALL, "bank.example", "POST /v2/charges", 54, 290, 201, 0, 0},
    {3, DEMO_QUEUE, "orders-paid", "SendMessage", 362, 14, 200, 0, 0},
};

static const struct demo_step browse[] = {
    {0, DEMO_SERVICE, "shop", "GET /products", 0, 48, 200, 0, 0},
    {1, DEMO_BUCKET, "shop-pictures", "ListObjectsV2", 3, 16, 200, 0, 0},
    {1, DEMO_CALL, "stock.internal", "GET /stock", 20, 22, 200, 0, 0},
    {2, DEMO_SERVICE, "stock", "GET /stock", 22, 18, 200, 0, 0},
    {3, DEMO_QUERY, "stock-db", STOCK, 25, 12, 200, 0, 0},
};

static const struct demo_step look[] = {
    {0, DEMO_SERVICE, "shop", "GET /orders/{id}", 0, 31, 200, 0, 0},
    {1, DEMO_CALL, "orders.internal", "GET /orders/{id}", 3, 26, 200, 0, 0},
    {2, DEMO_SERVICE, "orders", "GET /orders/{id}", 5, 22, 200, 0, 0},
    {3, DEMO_TABLE, "shop-orders", "GetItem", 8, 9, 200, 0, 0},
};

static const struct demo_step nothing[] = {
    {0, DEMO_SERVICE, "shop", "GET /orders/{id}", 0, 24, 404, 0, 0},
    {1, DEMO_CALL, "orders.internal", "GET /orders/{id}", 3, 18, 404, 0, 0},
    {2, DEMO_SERVICE, "orders", "GET /orders/{id}", 5, 14, 404, 0, 0},
    {3, DEMO_TABLE, "shop-orders", "GetItem", 7, 8, 200, 0, 0},
};

/* A query for each line. */
static const struct demo_step basket[] = {
    {0, DEMO_SERVICE, "shop", "GET /basket", 0, 131, 200, 0, 0},
    {1, DEMO_TABLE, "shop-baskets", "GetItem", 3, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 13, 9, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 23, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 32, 10, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 43, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 52, 12, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 65, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 74, 9, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 84, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 93, 9, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 103, 8, 200, 0, 0},
    {1, DEMO_TABLE, "shop-products", "GetItem", 112, 9, 200, 0, 0},
};

static const struct demo_step unpaid[] = {
    {0, DEMO_SERVICE, "shop", "POST /orders", 0, 2103, 502, 0, 0},
    {1, DEMO_WORK, "check basket", "", 2, 8, 200, 0, 0},
    {1, DEMO_CALL, "orders.internal", "POST /orders", 12, 2088, 502, 0, 0},
    {2, DEMO_SERVICE, "orders", "POST /orders", 14, 2083, 502, 0, 0},
    {3, DEMO_TABLE, "shop-orders", "PutItem", 18, 12, 200, 0, 0},
    {3, DEMO_CALL, "payments.internal", "POST /payments", 33, 2044, 500, 0, 0},
    {4, DEMO_SERVICE, "payments", "POST /payments", 36, 2038, 500,
     "PaymentFailed", "the bank cannot be reached"},
    {5, DEMO_QUERY, "payments-db", INSERT, 41, 7, 200, 0, 0},
    {5, DEMO_CALL, "bank.example", "POST /v2/charges", 52, 2000, 504,
     "TimeoutError", "no answer from bank.example"},
    {3, DEMO_TABLE, "shop-orders", "UpdateItem", 2082, 10, 200, 0, 0},
};

static const struct demo_step throttled[] = {
    {0, DEMO_SERVICE, "shop", "PUT /orders/{id}", 0, 338, 429, 0, 0},
    {1, DEMO_CALL, "orders.internal", "PUT /orders/{id}", 3, 330, 429, 0, 0},
    {2, DEMO_SERVICE, "orders", "PUT /orders/{id}", 6, 324, 429, 0, 0},
    {3, DEMO_TABLE, "shop-orders", "UpdateItem", 9, 312, 429,
     "ProvisionedThroughputExceededException",
     "The level of configured provisioned throughput for the table was "
     "exceeded"},
};

static const struct demo_step report[] = {
    {0, DEMO_SERVICE, "shop", "GET /reports/monthly", 0, 0, 0, 0, 0},
    {1, DEMO_WORK, "check rights", "", 2, 14, 200, 0, 0},
    {1, DEMO_QUERY, "payments-db", REPORT, 20, 0, 0, 0, 0},
};

const struct demo_story demo_stories[] = {
    {browse, LENGTH(browse), 36, NULL},
    {look, LENGTH(look), 22, "order_id"},
    {buy, LENGTH(buy), 20, "order_id"},
    {basket, LENGTH(basket), 10, NULL},
    {nothing, LENGTH(nothing), 4, "order_id"},
    {unpaid, LENGTH(unpaid), 5, "order_id"},
    {throttled, LENGTH(throttled), 3, "order_id"},
    {report, LENGTH(report), 0, NULL},
};
const size_t demo_stories_n = LENGTH(demo_stories);

const struct demo_service *demo_service_find(const char *name)
{
    static const struct demo_service services[] = {
        {"shop", "AWS::ECS::Container", "nodejs"},
        {"orders", "AWS::EC2::Instance", "python"},
        {"payments", NULL, "java"},
        {"stock", NULL, "go"},
    };
    for (size_t i = 0; i < LENGTH(services); i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}
