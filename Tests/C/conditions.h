/* SPDX-License-Identifier: Apache-2.0
 * The rows of bad_arguments.c: X(number, the status that is due, the call). Names are those of that file. */
#ifndef TOKENGATE_CONDITIONS_H
#define TOKENGATE_CONDITIONS_H

#define CONDITIONS(X)                                                                                                      \
    X(1, TG_E_NULL_ARGUMENT, tg_config_init(NULL, 8))                                                                      \
    X(2, TG_E_STRUCT_SIZE, tg_config_init((tg_config *)(void *)bytes, 7))                                                  \
    X(3, TG_E_NULL_ARGUMENT, tg_operation_options_init(NULL, 8))                                                           \
    X(4, TG_E_STRUCT_SIZE, tg_operation_options_init((tg_operation_options *)(void *)bytes, 0))                            \
    X(5, TG_E_NULL_ARGUMENT, tg_submit_options_init(NULL, 8))                                                              \
    X(6, TG_E_STRUCT_SIZE, tg_submit_options_init((tg_submit_options *)(void *)bytes, 0))                                  \
    X(7, TG_E_NULL_ARGUMENT, tg_coordinator_create(NULL, NULL, NULL))                                                      \
    X(8, TG_E_NULL_ARGUMENT, tg_coordinator_start(NULL, NULL))                                                             \
    X(9, TG_E_INVALID_HANDLE, tg_coordinator_start(gone_coordinator, NULL))                                                \
    X(10, TG_E_INVALID_HANDLE, tg_coordinator_start((tg_coordinator *)(void *)operation, NULL))                            \
    X(11, TG_E_INVALID_HANDLE, tg_coordinator_start((tg_coordinator *)(void *)(bytes + 1), NULL))                          \
    X(12, TG_E_NULL_ARGUMENT, tg_coordinator_stop(NULL, 0, NULL, NULL))                                                    \
    X(13, TG_E_INVALID_ARGUMENT, tg_coordinator_stop(coordinator, -1, NULL, NULL))                                         \
    X(14, TG_E_INVALID_HANDLE, tg_coordinator_stop(gone_coordinator, 0, NULL, NULL))                                       \
    X(15, TG_E_STRUCT_SIZE, tg_coordinator_stop(coordinator, 0, (tg_stop_report *)(void *)bytes, NULL))                    \
    X(16, TG_E_NULL_ARGUMENT, tg_coordinator_stop_json(coordinator, 0, NULL, NULL))                                        \
    X(17, TG_E_INVALID_ARGUMENT, tg_coordinator_stop_json(coordinator, INT64_MIN, &out_text, NULL))                        \
    X(18, TG_E_NULL_ARGUMENT, tg_coordinator_stop_json(NULL, 0, &out_text, NULL))                                          \
    X(19, TG_E_INVALID_HANDLE, tg_coordinator_destroy(gone_coordinator, NULL))                                             \
    X(20, TG_E_INVALID_HANDLE, tg_coordinator_destroy((tg_coordinator *)(void *)queue, NULL))                              \
    X(21, TG_OK, tg_coordinator_destroy(NULL, NULL))                                                                       \
    X(22, TG_E_NULL_ARGUMENT, tg_coordinator_phase(NULL))                                                                  \
    X(23, TG_E_INVALID_HANDLE, tg_coordinator_phase(gone_coordinator))                                                     \
    X(24, TG_E_NULL_ARGUMENT, tg_coordinator_pause(NULL, NULL, NULL, NULL))                                                \
    X(25, TG_E_INVALID_HANDLE, tg_coordinator_pause(gone_coordinator, NULL, NULL, NULL))                                   \
    X(26, TG_E_NULL_ARGUMENT, tg_coordinator_resume(NULL, "x", NULL, NULL))                                                \
    X(27, TG_E_INVALID_HANDLE, tg_coordinator_resume(gone_coordinator, "x", NULL, NULL))                                   \
    X(28, TG_E_NULL_ARGUMENT, tg_coordinator_kill(NULL, NULL, NULL, NULL))                                                 \
    X(29, TG_E_INVALID_HANDLE, tg_coordinator_kill(gone_coordinator, NULL, NULL, NULL))                                    \
    X(30, TG_E_NULL_ARGUMENT, tg_coordinator_discard(NULL, NULL, NULL, NULL))                                              \
    X(31, TG_E_INVALID_HANDLE, tg_coordinator_discard(gone_coordinator, NULL, NULL, NULL))                                 \
    X(32, TG_E_NULL_ARGUMENT, tg_coordinator_set_storage_limit(NULL, 1, 1, NULL))                                          \
    X(33, TG_E_INVALID_ARGUMENT, tg_coordinator_set_storage_limit(coordinator, TG_STORAGE_NONE, 1, NULL))                  \
    X(34, TG_E_INVALID_ARGUMENT, tg_coordinator_set_storage_limit(coordinator, 5, 1, NULL))                                \
    X(35, TG_E_INVALID_ARGUMENT, tg_coordinator_set_storage_limit(coordinator, 1, 0, NULL))                                \
    X(36, TG_E_INVALID_ARGUMENT, tg_coordinator_set_storage_limit(coordinator, 1, UINT32_MAX, NULL))                       \
    X(37, TG_E_NULL_ARGUMENT, tg_operation_create(NULL, "x", body, NULL, &out_operation, NULL))                            \
    X(38, TG_E_NULL_ARGUMENT, tg_operation_create(coordinator, NULL, body, NULL, &out_operation, NULL))                    \
    X(39, TG_E_NULL_ARGUMENT, tg_operation_create(coordinator, "x", NULL, NULL, &out_operation, NULL))                     \
    X(40, TG_E_NULL_ARGUMENT, tg_operation_create(coordinator, "x", body, NULL, NULL, NULL))                               \
    X(41, TG_E_INVALID_HANDLE, tg_operation_create(gone_coordinator, "x", body, NULL, &out_operation, NULL))               \
    X(42, TG_E_INVALID_HANDLE, tg_operation_destroy(gone_operation, NULL))                                                 \
    X(43, TG_E_INVALID_HANDLE, tg_operation_destroy((tg_operation *)(void *)coordinator, NULL))                            \
    X(44, TG_OK, tg_operation_destroy(NULL, NULL))                                                                         \
    X(45, TG_E_NULL_ARGUMENT, tg_submit(NULL, NULL, NULL, &out_token, NULL))                                               \
    X(46, TG_E_INVALID_HANDLE, tg_submit(gone_operation, NULL, NULL, &out_token, NULL))                                    \
    X(47, TG_E_INVALID_HANDLE, tg_submit((tg_operation *)(void *)token, NULL, NULL, &out_token, NULL))                     \
    X(48, TG_E_NULL_ARGUMENT, tg_submit(anchored, NULL, NULL, &out_token, NULL))                                           \
    X(49, TG_E_NULL_ARGUMENT, tg_submit_many(NULL, NULL, 1, NULL, &out_token, NULL))                                       \
    X(50, TG_E_INVALID_HANDLE, tg_submit_many(gone_operation, NULL, 1, NULL, &out_token, NULL))                            \
    X(51, TG_E_INVALID_ARGUMENT, tg_submit_many(operation, NULL, (size_t)-1, NULL, &out_token, NULL))                      \
    X(52, TG_E_INVALID_ARGUMENT, tg_submit_many(operation, NULL, 16777217, NULL, &out_token, NULL))                        \
    X(53, TG_OK, tg_submit_many(operation, NULL, 0, NULL, NULL, NULL))                                                     \
    X(54, TG_E_NULL_ARGUMENT, tg_token_retain(NULL))                                                                       \
    X(55, TG_E_INVALID_HANDLE, tg_token_retain((tg_token *)(void *)operation))                                             \
    X(56, TG_OK, tg_token_release(NULL))                                                                                   \
    X(57, TG_E_INVALID_HANDLE, tg_token_release((tg_token *)(void *)gone_queue))                                           \
    X(58, TG_E_NULL_ARGUMENT, tg_token_release_many(NULL, 1))                                                              \
    X(59, TG_OK, tg_token_release_many(NULL, 0))                                                                           \
    X(60, TG_E_INVALID_ARGUMENT, tg_token_release_many(&token, (size_t)-1))                                                \
    X(61, TG_E_NULL_ARGUMENT, tg_token_state(NULL))                                                                        \
    X(62, TG_E_INVALID_HANDLE, tg_token_state((tg_token *)(void *)subscription))                                           \
    X(63, TG_E_NULL_ARGUMENT, tg_token_get_id(NULL, &out_id))                                                              \
    X(64, TG_E_NULL_ARGUMENT, tg_token_get_id(token, NULL))                                                                \
    X(65, TG_E_NULL_ARGUMENT, tg_token_get_seed(NULL, seed))                                                               \
    X(66, TG_E_NULL_ARGUMENT, tg_token_get_seed(token, NULL))                                                              \
    X(67, TG_E_NOT_AVAILABLE, tg_token_get_seed(token, seed))                                                              \
    X(68, TG_E_NULL_ARGUMENT, tg_token_kill(NULL, NULL))                                                                   \
    X(69, TG_E_INVALID_HANDLE, tg_token_kill((tg_token *)(void *)coordinator, NULL))                                       \
    X(70, TG_E_NULL_ARGUMENT, tg_token_result(NULL, NULL, NULL))                                                           \
    X(71, TG_E_NULL_ARGUMENT, tg_token_wait(NULL, 0, NULL, NULL))                                                          \
    X(72, TG_E_INVALID_ARGUMENT, tg_token_wait(token, -1, NULL, NULL))                                                     \
    X(73, TG_E_NULL_ARGUMENT, tg_token_wait_all(NULL, 1, 0, NULL))                                                         \
    X(74, TG_E_INVALID_ARGUMENT, tg_token_wait_all(&token, 1, INT64_MIN, NULL))                                            \
    X(75, TG_E_NULL_ARGUMENT, tg_token_wait_all(&out_token, 1, 0, NULL))                                                   \
    X(76, TG_OK, tg_token_wait_all(NULL, 0, 0, NULL))                                                                      \
    X(77, TG_E_NULL_ARGUMENT, tg_token_notify(NULL, on_settled, NULL, NULL, NULL))                                         \
    X(78, TG_E_NULL_ARGUMENT, tg_token_notify(token, NULL, NULL, NULL, NULL))                                              \
    X(79, TG_E_NULL_ARGUMENT, tg_completion_queue_create(NULL, NULL))                                                      \
    X(80, TG_E_NULL_ARGUMENT, tg_completion_queue_fd(NULL))                                                                \
    X(81, TG_E_INVALID_HANDLE, tg_completion_queue_fd(gone_queue))                                                         \
    X(82, TG_E_NULL_ARGUMENT, tg_completion_queue_add(NULL, token, NULL, NULL))                                            \
    X(83, TG_E_NULL_ARGUMENT, tg_completion_queue_add(queue, NULL, NULL, NULL))                                            \
    X(84, TG_E_INVALID_HANDLE, tg_completion_queue_add(gone_queue, token, NULL, NULL))                                     \
    X(85, TG_E_INVALID_HANDLE, tg_completion_queue_add(queue, (tg_token *)(void *)queue, NULL, NULL))                      \
    X(86, TG_E_NULL_ARGUMENT, tg_completion_queue_take(NULL, &out_completion, 1, 0, &out_size, NULL))                      \
    X(87, TG_E_NULL_ARGUMENT, tg_completion_queue_take(queue, NULL, 1, 0, &out_size, NULL))                                \
    X(88, TG_E_NULL_ARGUMENT, tg_completion_queue_take(queue, &out_completion, 1, 0, NULL, NULL))                          \
    X(89, TG_E_INVALID_ARGUMENT, tg_completion_queue_take(queue, &out_completion, 0, 0, &out_size, NULL))                  \
    X(90, TG_E_INVALID_ARGUMENT, tg_completion_queue_take(queue, &out_completion, (size_t)-1, 0, &out_size, NULL))         \
    X(91, TG_E_INVALID_ARGUMENT, tg_completion_queue_take(queue, &out_completion, 1, -1, &out_size, NULL))                 \
    X(92, TG_E_INVALID_HANDLE, tg_completion_queue_take(gone_queue, &out_completion, 1, 0, &out_size, NULL))               \
    X(93, TG_E_INVALID_HANDLE, tg_completion_queue_destroy(gone_queue, NULL))                                              \
    X(94, TG_OK, tg_completion_queue_destroy(NULL, NULL))                                                                  \
    X(95, TG_E_NULL_ARGUMENT, tg_context_is_cancelled(NULL))                                                               \
    X(96, TG_E_INVALID_HANDLE, tg_context_is_cancelled((tg_context *)(void *)coordinator))                                 \
    X(97, TG_E_NULL_ARGUMENT, tg_context_is_draining(NULL))                                                                \
    X(98, TG_E_NULL_ARGUMENT, tg_context_time_left(NULL))                                                                  \
    X(99, TG_E_NULL_ARGUMENT, tg_context_domain(NULL))                                                                     \
    X(100, TG_E_NULL_ARGUMENT, tg_context_get_id(NULL, &out_id))                                                           \
    X(101, TG_E_NULL_ARGUMENT, tg_context_get_seed(NULL, seed))                                                            \
    X(102, TG_E_NULL_ARGUMENT, tg_context_get_seed_hex(NULL, hex))                                                         \
    X(103, TG_E_NULL_ARGUMENT, tg_coordinator_statistics(NULL, &out_statistics, NULL))                                     \
    X(104, TG_E_NULL_ARGUMENT, tg_coordinator_statistics(coordinator, NULL, NULL))                                         \
    X(105, TG_E_STRUCT_SIZE, tg_coordinator_statistics(coordinator, (tg_statistics *)(void *)bytes, NULL))                 \
    X(106, TG_E_INVALID_HANDLE, tg_coordinator_statistics(gone_coordinator, &out_statistics, NULL))                        \
    X(107, TG_E_NULL_ARGUMENT, tg_coordinator_statistics_json(NULL, &out_text, NULL))                                      \
    X(108, TG_E_NULL_ARGUMENT, tg_coordinator_statistics_json(coordinator, NULL, NULL))                                    \
    X(109, TG_E_NULL_ARGUMENT, tg_topology_json(NULL, NULL))                                                               \
    X(110, TG_E_NULL_ARGUMENT, tg_coordinator_domain_cpus(NULL, 1, bytes, 8, NULL, NULL))                                  \
    X(111, TG_E_INVALID_ARGUMENT, tg_coordinator_domain_cpus(coordinator, 0, bytes, 8, NULL, NULL))                        \
    X(112, TG_E_INVALID_ARGUMENT, tg_coordinator_domain_cpus(coordinator, UINT32_MAX, bytes, 8, NULL, NULL))               \
    X(113, TG_E_BUFFER_TOO_SMALL, tg_coordinator_domain_cpus(coordinator, 1, bytes, 0, NULL, NULL))                        \
    X(114, TG_E_NULL_ARGUMENT, tg_coordinator_domain_cpus(coordinator, 1, NULL, 8192, NULL, NULL))                         \
    X(115, TG_E_NULL_ARGUMENT, tg_coordinator_subscribe(NULL, on_event, NULL, NULL, &out_subscription, NULL))              \
    X(116, TG_E_NULL_ARGUMENT, tg_coordinator_subscribe(coordinator, NULL, NULL, NULL, &out_subscription, NULL))           \
    X(117, TG_E_NULL_ARGUMENT, tg_coordinator_subscribe(coordinator, on_event, NULL, NULL, NULL, NULL))                    \
    X(118, TG_E_NULL_ARGUMENT, tg_subscription_dropped(NULL, &out_number))                                                 \
    X(119, TG_E_NULL_ARGUMENT, tg_subscription_dropped(subscription, NULL))                                                \
    X(120, TG_E_INVALID_HANDLE, tg_subscription_dropped(gone_subscription, &out_number))                                   \
    X(121, TG_E_INVALID_HANDLE, tg_subscription_destroy(gone_subscription, NULL))                                          \
    X(122, TG_OK, tg_subscription_destroy(NULL, NULL))                                                                     \
    X(123, TG_E_INVALID_HANDLE, tg_coordinator_stop_json(gone_coordinator, 0, &out_text, NULL))                            \
    X(124, TG_E_INVALID_HANDLE, tg_coordinator_set_storage_limit(gone_coordinator, 1, 1, NULL))                            \
    X(125, TG_E_INVALID_HANDLE, tg_coordinator_phase((tg_coordinator *)(void *)subscription))                              \
    X(126, TG_E_INVALID_HANDLE, tg_coordinator_kill((tg_coordinator *)(void *)token, NULL, NULL, NULL))                    \
    X(127, TG_E_INVALID_HANDLE, tg_token_release_many((tg_token *const[]){(tg_token *)(void *)coordinator}, 1))            \
    X(128, TG_E_INVALID_HANDLE, tg_token_get_id((tg_token *)(void *)queue, &out_id))                                       \
    X(129, TG_E_INVALID_HANDLE, tg_token_get_seed((tg_token *)(void *)queue, seed))                                        \
    X(130, TG_E_INVALID_HANDLE, tg_token_result((tg_token *)(void *)gone_operation, NULL, NULL))                           \
    X(131, TG_E_INVALID_HANDLE, tg_token_wait((tg_token *)(void *)gone_operation, 0, NULL, NULL))                          \
    X(132, TG_E_INVALID_HANDLE, tg_token_wait_all((tg_token *const[]){(tg_token *)(void *)operation}, 1, 0, NULL))         \
    X(133, TG_E_INVALID_HANDLE, tg_token_notify((tg_token *)(void *)coordinator, on_settled, NULL, NULL, NULL))            \
    X(134, TG_E_INVALID_HANDLE, tg_completion_queue_fd((tg_completion_queue *)(void *)token))                              \
    X(135, TG_E_INVALID_HANDLE, tg_completion_queue_destroy((tg_completion_queue *)(void *)coordinator, NULL))             \
    X(136, TG_E_INVALID_HANDLE, tg_context_is_draining((tg_context *)(void *)coordinator))                                 \
    X(137, TG_E_INVALID_HANDLE, tg_context_time_left((tg_context *)(void *)gone_queue))                                    \
    X(138, TG_E_INVALID_HANDLE, tg_context_domain((tg_context *)(void *)operation))                                        \
    X(139, TG_E_INVALID_HANDLE, tg_context_get_id((tg_context *)(void *)operation, &out_id))                               \
    X(140, TG_E_INVALID_HANDLE, tg_context_get_seed((tg_context *)(void *)queue, seed))                                    \
    X(141, TG_E_INVALID_HANDLE, tg_context_get_seed_hex((tg_context *)(void *)subscription, hex))                          \
    X(142, TG_E_INVALID_HANDLE, tg_coordinator_statistics_json(gone_coordinator, &out_text, NULL))                         \
    X(143, TG_E_INVALID_HANDLE, tg_coordinator_domain_cpus(gone_coordinator, 1, bytes, 8, NULL, NULL))                     \
    X(144, TG_E_INVALID_HANDLE, tg_coordinator_subscribe(gone_coordinator, on_event, NULL, NULL, &out_subscription, NULL)) \
    X(145, TG_E_INVALID_HANDLE, tg_subscription_destroy((tg_subscription *)(void *)queue, NULL))                           \
    X(146, TG_E_NULL_ARGUMENT, tg_retry_policy_init(NULL, 8))                                                              \
    X(147, TG_E_STRUCT_SIZE, tg_retry_policy_init((tg_retry_policy *)(void *)bytes, 7))                                    \
    X(148, TG_E_NULL_ARGUMENT, tg_rate_limit_init(NULL, 8))                                                                \
    X(149, TG_E_STRUCT_SIZE, tg_rate_limit_init((tg_rate_limit *)(void *)bytes, 0))                                        \
    X(150, TG_E_NULL_ARGUMENT, tg_circuit_breaker_init(NULL, 8))                                                           \
    X(151, TG_E_STRUCT_SIZE, tg_circuit_breaker_init((tg_circuit_breaker *)(void *)bytes, 1))                              \
    X(152, TG_E_NULL_ARGUMENT, tg_coordinator_block(NULL, "x", NULL, NULL))                                                \
    X(153, TG_E_NULL_ARGUMENT, tg_coordinator_block(coordinator, NULL, NULL, NULL))                                        \
    X(154, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_block(coordinator, "", NULL, NULL))                                 \
    X(155, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_block(coordinator, "\xff", NULL, NULL))                             \
    X(156, TG_E_INVALID_HANDLE, tg_coordinator_block(gone_coordinator, "x", NULL, NULL))                                   \
    X(157, TG_E_NULL_ARGUMENT, tg_coordinator_unblock(NULL, "x", NULL, NULL))                                              \
    X(158, TG_E_NULL_ARGUMENT, tg_coordinator_unblock(coordinator, NULL, NULL, NULL))                                      \
    X(159, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_unblock(coordinator, "", NULL, NULL))                               \
    X(160, TG_E_INVALID_HANDLE, tg_coordinator_unblock((tg_coordinator *)(void *)operation, "x", NULL, NULL))              \
    X(161, TG_E_NULL_ARGUMENT, tg_token_attempts(NULL))                                                                    \
    X(162, TG_E_INVALID_HANDLE, tg_token_attempts((tg_token *)(void *)queue))                                              \
    X(163, TG_E_NULL_ARGUMENT, tg_context_attempt(NULL))                                                                   \
    X(164, TG_E_INVALID_HANDLE, tg_context_attempt((tg_context *)(void *)operation))                                       \
    X(165, TG_E_NULL_ARGUMENT, tg_coordinator_health(NULL, "operation", &out_health, NULL))                                \
    X(166, TG_E_NULL_ARGUMENT, tg_coordinator_health(coordinator, NULL, &out_health, NULL))                                \
    X(167, TG_E_NULL_ARGUMENT, tg_coordinator_health(coordinator, "operation", NULL, NULL))                                \
    X(168, TG_E_STRUCT_SIZE, tg_coordinator_health(coordinator, "operation", (tg_health *)(void *)bytes, NULL))            \
    X(169, TG_E_NOT_AVAILABLE, tg_coordinator_health(coordinator, "nobody", &out_health, NULL))                            \
    X(170, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_health(coordinator, "", &out_health, NULL))                         \
    X(171, TG_E_INVALID_HANDLE, tg_coordinator_health(gone_coordinator, "operation", &out_health, NULL))                   \
    X(172, TG_E_NULL_ARGUMENT, tg_coordinator_health_json(NULL, NULL, &out_text, NULL))                                    \
    X(173, TG_E_NULL_ARGUMENT, tg_coordinator_health_json(coordinator, NULL, NULL, NULL))                                  \
    X(174, TG_E_NULL_ARGUMENT, tg_coordinator_health_json(coordinator, "operation", NULL, NULL))                           \
    X(175, TG_E_NOT_AVAILABLE, tg_coordinator_health_json(coordinator, "nobody", &out_text, NULL))                         \
    X(176, TG_E_INVALID_HANDLE, tg_coordinator_health_json(gone_coordinator, NULL, &out_text, NULL))                       \
    X(177, TG_E_NULL_ARGUMENT, tg_coordinator_set_concurrency_limit(NULL, "x", 1, NULL))                                   \
    X(178, TG_E_NULL_ARGUMENT, tg_coordinator_set_concurrency_limit(coordinator, NULL, 1, NULL))                           \
    X(179, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_set_concurrency_limit(coordinator, "", 1, NULL))                    \
    X(180, TG_E_INVALID_OPERATION_TYPE, tg_coordinator_set_concurrency_limit(coordinator, "\xff", TG_NONE, NULL))          \
    X(181, TG_E_INVALID_ARGUMENT, tg_coordinator_set_concurrency_limit(coordinator, "x", 0, NULL))                         \
    X(182, TG_E_INVALID_ARGUMENT, tg_coordinator_set_concurrency_limit(coordinator, "x", -2, NULL))                        \
    X(183, TG_E_INVALID_ARGUMENT, tg_coordinator_set_concurrency_limit(coordinator, "x", 65537, NULL))                     \
    X(184, TG_E_INVALID_HANDLE, tg_coordinator_set_concurrency_limit(gone_coordinator, "x", 1, NULL))                      \
    X(185, TG_E_NULL_ARGUMENT, tg_token_status_json(NULL, &out_text, NULL))                                                \
    X(186, TG_E_NULL_ARGUMENT, tg_token_status_json(token, NULL, NULL))                                                    \
    X(187, TG_E_INVALID_HANDLE, tg_token_status_json((tg_token *)(void *)queue, &out_text, NULL))                          \
    X(188, TG_E_NULL_ARGUMENT, tg_coordinator_history(NULL, 1, on_record, NULL, NULL))                                     \
    X(189, TG_E_NULL_ARGUMENT, tg_coordinator_history(coordinator, 1, NULL, NULL, NULL))                                   \
    X(190, TG_E_INVALID_HANDLE, tg_coordinator_history(gone_coordinator, 1, on_record, NULL, NULL))                        \
    X(191, TG_E_NULL_ARGUMENT, tg_coordinator_history_json(NULL, 1, &out_text, NULL))                                      \
    X(192, TG_E_NULL_ARGUMENT, tg_coordinator_history_json(coordinator, SIZE_MAX, NULL, NULL))                             \
    X(193, TG_E_INVALID_HANDLE, tg_coordinator_history_json((tg_coordinator *)(void *)token, 1, &out_text, NULL))          \
    X(194, TG_E_NULL_ARGUMENT, tg_coordinator_dump_history(NULL, "x", 1, NULL, NULL))                                      \
    X(195, TG_E_NULL_ARGUMENT, tg_coordinator_dump_history(coordinator, NULL, 1, NULL, NULL))                              \
    X(196, TG_E_INVALID_ARGUMENT, tg_coordinator_dump_history(coordinator, "", 1, &out_size, NULL))                        \
    X(197, TG_E_INVALID_ARGUMENT, tg_coordinator_dump_history(coordinator, "\xff", 1, &out_size, NULL))                    \
    X(198, TG_E_SYSTEM, tg_coordinator_dump_history(coordinator, "/", 1, &out_size, NULL))                                 \
    X(199, TG_E_INVALID_HANDLE, tg_coordinator_dump_history(gone_coordinator, "x", 1, NULL, NULL))

#endif
