"""What searching has to do wherever it runs, on a standby and on Citus as on one server: tests to run there again."""

from __future__ import annotations

from tests.dbt_project.search import test_searches as searches
from tests.dbt_project.search import test_views as views

SEARCHES = [
    searches.test_text_to_images_with_rank_score_and_what_is_known,
    searches.test_images_to_images_by_key_leaves_the_photo_itself_out,
    searches.test_images_to_images_by_a_path_never_seen_before,
    searches.test_image_to_texts_and_text_to_texts,
    searches.test_near_duplicates_by_key,
    searches.test_a_filter_is_a_value_and_never_sql,
    searches.test_min_score_cuts_and_does_not_bring_farther_ones,
    searches.test_hybrid_finds_by_words_what_the_vector_ranks_last,
    searches.test_classification_with_labels_of_the_moment_uses_the_logit_scale_and_one_request,
    searches.test_the_meal_calories_summed_for_each_photo,
    searches.test_classify_a_photo_never_seen_before,
    searches.test_searches_join_like_tables,
    searches.test_the_same_vector_from_anywhere_finds_the_same,
    searches.test_every_search_refuses_every_wrong_argument_by_name,
    searches.test_one_search_is_one_request_and_none_when_asked_again,
    searches.test_a_search_leaves_the_settings_of_the_session_alone,
    views.test_opening_every_view_asks_no_model,
    views.test_saved_searches_and_what_they_find,
    views.test_the_labels_and_neighbours_of_every_photo,
]
